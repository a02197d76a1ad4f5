// Has this browser show reminders while no tab is open, by Web Push.
import { signal } from '@preact/signals';
import { PUSH_KEY, PUSH_SUBSCRIBE } from './account-operations';
import { dataOf } from './answers';
import { server } from './server';

/** Whether this browser is subscribed; null where it can't be, or the server sends no pushes. */
export const isSubscribed = signal<boolean | null>(null);

const isSupported = 'serviceWorker' in navigator && 'PushManager' in window;

/** Finds out whether pushes are on, and tells the server again: it forgets them with a session. */
export async function renew(): Promise<void> {
  const key = isSupported ? await publicKey() : null;
  if (!key) return;
  const subscription = await current();
  const isOn = subscription !== null && Notification.permission === 'granted';
  if (isOn) await send(await subscribed(key));
  isSubscribed.value = isOn;
}

/** Asks for permission, which has to follow a click, and subscribes; throws Error with words for people. */
export async function subscribe(): Promise<void> {
  if ((await Notification.requestPermission()) !== 'granted') {
    throw new Error('This browser is set to show no notifications of this page.');
  }
  const key = await publicKey();
  if (!key) throw new Error('The server sends no pushes.');
  await send(await subscribed(key));
  isSubscribed.value = true;
}

/** Ends it: the server hears of that from the push service when it sends the next one. */
export async function unsubscribe(): Promise<void> {
  await (await current())?.unsubscribe();
  if (isSubscribed.value) isSubscribed.value = false;
}

async function publicKey(): Promise<string | null> {
  return (await dataOf(server.query(PUSH_KEY, {}))).pushPublicKey ?? null;
}

async function current(): Promise<PushSubscription | null> {
  const registration = await navigator.serviceWorker.getRegistration();
  return (await registration?.pushManager.getSubscription()) ?? null;
}

/** The browser's subscription for this key of the server's, made anew where the key has changed. */
async function subscribed(key: string): Promise<PushSubscription> {
  await navigator.serviceWorker.register('/service-worker.js');
  const { pushManager } = await navigator.serviceWorker.ready;
  const existing = await pushManager.getSubscription();
  if (existing && base64(existing.options.applicationServerKey) === key) return existing;
  await existing?.unsubscribe();
  try {
    return await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  } catch {
    throw new Error('This browser can’t reach its push service.');
  }
}

async function send(subscription: PushSubscription): Promise<void> {
  const { endpoint = '', keys: { p256dh = '', auth = '' } = {} } = subscription.toJSON();
  const input = { endpoint, p256dh, auth };
  const { pushSubscribe } = await dataOf(server.mutation(PUSH_SUBSCRIBE, { input }));
  const [problem] = pushSubscribe?.errors ?? [];
  if (problem) throw new Error(problem.message);
}

function base64(bytes: ArrayBuffer | null): string {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes ?? new ArrayBuffer())));
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
