// Keeps the focus on a todo's control while the todo moves: moving an element takes it away.
let wanted: { readonly id: string; readonly control: string } | undefined;

addEventListener('focusin', ({ target }) => {
  if (wanted && !(target as Element).closest(`#todo-${wanted.id}`)) wanted = undefined;
});

/** Keeps the focus that is in a todo's row now there, wherever the row goes. */
export function keepFocus(id: string): void {
  const control = document.activeElement?.getAttribute('data-control');
  wanted = control ? { id, control } : undefined;
}

/** Brings it back after rendering. */
export function restoreFocus(): void {
  if (!wanted || document.activeElement !== document.body) return;
  const { id, control } = wanted;
  document.querySelector<HTMLElement>(`#todo-${id} > .row [data-control=${control}]`)?.focus();
}

/** Who works by keyboard goes on beside what is gone in a moment. */
export function focusBeside(button: HTMLElement): void {
  const row = button.closest('li');
  const beside = row?.nextElementSibling ?? row?.previousElementSibling;
  const next =
    beside?.querySelector('input') ??
    document.getElementById('title') ??
    document.querySelector<HTMLElement>('nav a');
  next?.focus();
}
