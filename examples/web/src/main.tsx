// Shows the list of who is signed in, or else the form to sign in by.
import { render } from 'preact';
import { session } from './session';
import { SignIn } from './sign-in';
import './style.css';
import { TodoPage } from './todo-page';
import { Todos } from './todos';

// Kept when a session ends, so that what wasn't saved goes out once the same person is back.
let last = { username: '', todos: new Todos() };

function todosOf(username: string): Todos {
  if (last.username !== username) last = { username, todos: new Todos() };
  return last.todos;
}

function App() {
  const username = session.value?.username;
  return username === undefined ? (
    <SignIn username={last.username} unsaved={last.todos.unsaved.value.size} />
  ) : (
    <TodoPage key={username} username={username} todos={todosOf(username)} />
  );
}

addEventListener('beforeunload', (event) => {
  if (last.todos.edits.value.length > 0) event.preventDefault();
});

render(<App />, document.body);
