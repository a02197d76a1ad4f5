// A field with its label, and below it what the server has against what was typed.
import type { ComponentChildren } from 'preact';

interface ProblemsProps {
  id: string;
  problems: readonly { readonly message: string }[];
}

/** Named by its field's aria-describedby; read aloud when it shows up. */
export function Problems({ id, problems }: ProblemsProps) {
  return (
    <p id={id} role="alert" class="problem">
      {problems.map(({ message }) => message).join(' ')}
    </p>
  );
}

export function Labelled({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <label class="labelled">
      <span>{label}</span>
      {children}
    </label>
  );
}
