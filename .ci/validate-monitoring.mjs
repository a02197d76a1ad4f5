// Validates resources of the Prometheus operator, an array of them in JSON on standard input.

import { readFileSync } from 'node:fs';
import { PrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule';
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor';

const KINDS = { PrometheusRule, ServiceMonitor };

for (const resource of JSON.parse(readFileSync(0, 'utf8'))) {
  new KINDS[resource.kind](resource).validate();
}
