// Browsers have a WebSocket, and so has Node from 22 on; before, the package ws is one.
import { WebSocket } from 'ws';

globalThis.WebSocket ??= WebSocket;
