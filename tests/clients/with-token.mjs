// Every request of this process carries the token in TODO_TOKEN, for programs that can't be given one.
import { Agent, setGlobalDispatcher } from 'undici';

const authorization = ['authorization', `Bearer ${process.env.TODO_TOKEN}`];
const withToken = (dispatch) => (options, handler) => {
  const pairs = Array.isArray(options.headers)
    ? options.headers
    : Object.entries(options.headers ?? {}).flat();
  return dispatch({ ...options, headers: [...pairs, ...authorization] }, handler);
};
setGlobalDispatcher(new Agent().compose(withToken));
