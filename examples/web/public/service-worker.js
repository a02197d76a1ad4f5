// Shows what the server pushes, also while no tab is open; a click on it leads to the page.

addEventListener('push', (event) => {
  const { title, body, url, tag } = event.data.json();
  const options = { body, tag, renotify: true, data: { url } };
  event.waitUntil(self.registration.showNotification(title, options));
});

addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(show(new URL(event.notification.data.url, self.registration.scope).href));
});

/** Shows a tab that is open, or else opens one. */
async function show(address) {
  const [tab] = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  await (tab ? tab.focus() : self.clients.openWindow(address));
}
