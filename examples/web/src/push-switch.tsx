// The switch that has reminders shown while no tab is open.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { isSubscribed, renew, subscribe, unsubscribe } from './push';
import { messageOf } from './retrying';
import type { Todos } from './todos';

export function PushSwitch({ todos }: { todos: Todos }) {
  const isBusy = useSignal(false);
  useEffect(() => {
    // What fails here is tried again when the page is loaded next.
    renew().catch(() => undefined);
  }, []);
  const { value: isOn } = isSubscribed;
  if (isOn === null) return null;

  async function change() {
    isBusy.value = true;
    await (isOn ? unsubscribe() : subscribe()).catch((error: unknown) =>
      todos.refuse(messageOf(error)),
    );
    isBusy.value = false;
  }

  return (
    <button class="link" disabled={isBusy.value} aria-pressed={isOn} onClick={() => void change()}>
      Reminders in this browser
    </button>
  );
}
