// The form that signs in, and the same with one more field to make an account.
import { useSignal } from '@preact/signals';
import type { ComponentProps, TargetedSubmitEvent } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Problem } from './operations';
import { messageOf } from './retrying';
import { isOver, signIn, signUp } from './session';

export function SignIn({ username, unsaved }: { username: string; unsaved: number }) {
  const isNew = useSignal(false);
  const isBusy = useSignal(false);
  const problems = useSignal<readonly Problem[]>([]);
  const failure = useSignal('');
  const form = useRef<HTMLFormElement>(null);

  // A screen reader then reads the field's problem.
  useEffect(() => {
    form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
  }, [problems.value]);

  async function submit(event: TargetedSubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    if (isBusy.value) return;
    const typed = new FormData(event.currentTarget);
    const [name, email, password] = ['name', 'email', 'password'].map((key) =>
      String(typed.get(key)),
    ) as [string, string, string];
    isBusy.value = true;
    failure.value = '';
    try {
      problems.value = isNew.value
        ? await signUp({ username: name, email, password })
        : await signIn(name, password);
    } catch (error) {
      failure.value = messageOf(error);
    }
    isBusy.value = false;
  }

  function change() {
    isNew.value = !isNew.value;
    problems.value = [];
    failure.value = '';
  }

  const at = (...names: string[]) =>
    problems.value.filter(({ path }) => names.includes(path?.[1] ?? ''));
  const elsewhere = problems.value.filter(({ path }) => !path?.[1]);
  const title = isNew.value ? 'Create an account' : 'Sign in';
  return (
    <main class="narrow">
      <h1>{title}</h1>
      <p role="status">
        {isOver.value && 'Your session is over. '}
        {unsaved > 0 && `What isn’t saved yet will be once ${username} signs in again.`}
      </p>
      <form ref={form} onSubmit={submit}>
        <Field
          label={isNew.value ? 'User name' : 'User name or e-mail address'}
          problems={at('username', 'usernameOrEmail')}
          name="name"
          autocomplete="username"
          autocapitalize="none"
        />
        {isNew.value && (
          <Field
            label="E-mail address"
            problems={at('email')}
            name="email"
            type="email"
            autocomplete="email"
          />
        )}
        <Field
          label="Password"
          problems={at('password')}
          name="password"
          type="password"
          autocomplete={isNew.value ? 'new-password' : 'current-password'}
        />
        <p role="alert" class="problem">
          {[failure.value, ...elsewhere.map(({ message }) => message)].join(' ')}
        </p>
        <button class="main" aria-disabled={isBusy.value}>
          {title}
        </button>
      </form>
      <p>
        {isNew.value ? 'You have an account?' : 'New here?'}{' '}
        <button class="link" onClick={change}>
          {isNew.value ? 'Sign in' : 'Create an account'}
        </button>
      </p>
    </main>
  );
}

type FieldProps = ComponentProps<'input'> & {
  name: string;
  label: string;
  problems: readonly Problem[];
};

function Field({ label, problems, ...input }: FieldProps) {
  return (
    <div class="field">
      <label for={input.name}>{label}</label>
      <input
        {...input}
        id={input.name}
        required
        aria-invalid={problems.length > 0}
        aria-describedby={`${input.name}-problem`}
      />
      <p id={`${input.name}-problem`} class="problem">
        {problems.map(({ message }) => message).join(' ')}
      </p>
    </div>
  );
}
