// Shows what the server pushes, also while no tab is open; a click on it leads to its todo.

addEventListener('push', (event) => {
  const { title, body, url, tag } = event.data.json();
  const options = { body, tag, renotify: true, data: { url } };
  event.waitUntil(self.registration.showNotification(title, options));
});

addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(show(new URL(event.notification.data.url, self.registration.scope).href));
});

/** Shows it in a tab that is open, which stays as it is otherwise, or else in a new one. */
async function show(address) {
  const [tab] = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  if (!tab) return void (await self.clients.openWindow(address));
  tab.postMessage(address);
  await tab.focus();
}
