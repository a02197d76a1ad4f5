// A button that turns into a field, and back once it is filled in or given up.
import { useSignal } from '@preact/signals';
import type { TargetedSubmitEvent } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

interface InlineFormProps {
  label: string;
  /** What the button says, if it is less than the label. */
  short?: string;
  onSubmit: (text: string) => void;
}

export function InlineForm({ label, short = label, onSubmit }: InlineFormProps) {
  const isOpen = useSignal(false);
  const wasOpen = useRef(false);
  const button = useRef<HTMLButtonElement>(null);
  const input = useRef<HTMLInputElement>(null);

  useLayoutEffect(() => {
    if (isOpen.value) input.current?.focus();
    else if (wasOpen.current) button.current?.focus();
    wasOpen.current = isOpen.value;
  }, [isOpen.value]);

  function submit(event: TargetedSubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const text = input.current?.value.trim();
    if (text) onSubmit(text);
    isOpen.value = false;
  }

  if (!isOpen.value) {
    return (
      <button ref={button} class="link" aria-label={label} onClick={() => (isOpen.value = true)}>
        + {short}
      </button>
    );
  }
  return (
    <form
      class="inline"
      onSubmit={submit}
      onKeyDown={({ key }) => {
        if (key === 'Escape') isOpen.value = false;
      }}
    >
      <input ref={input} aria-label={label} required autocomplete="off" />
      <button class="main">Add</button>
    </form>
  );
}
