// Files of a todo: loaded where they are shown, attached in three steps, and deleted.
import { dataOf } from './answers';
import {
  CREATE_FILE,
  DELETE_FILE,
  type File as Stored,
  FINISH_FILE,
  LOAD_FILES,
} from './file-operations';
import { server } from './server';
import { type OnProgress, sha256, upload } from './uploads';

/** The files of a todo, oldest first; throws as dataOf does. */
export async function loadFiles(todoId: string): Promise<readonly Stored[]> {
  const { node } = await dataOf(server.query(LOAD_FILES, { todoId }));
  return node?.__typename === 'Todo' ? node.attachments : [];
}

/**
 * Attaches a file to a todo, or says why not; throws as dataOf and upload do.
 *
 * With the same id it can be tried again: what is there already is gone on from.
 */
export async function attach(
  todoId: string,
  id: string,
  file: File,
  onProgress: OnProgress,
): Promise<string> {
  const { name: fileName, size, type } = file;
  const contentType = type || 'application/octet-stream';
  const input = { id, fileName, size, contentType, sha256: await sha256(file) };
  const { attachmentCreate } = await dataOf(server.mutation(CREATE_FILE, { todoId, input }));
  const [problem] = attachmentCreate?.errors ?? [];
  if (problem) return problem.message;
  if (attachmentCreate?.upload) await upload(attachmentCreate.upload, file, onProgress);
  const { attachmentFinish } = await dataOf(server.mutation(FINISH_FILE, { id }));
  const refused = attachmentFinish?.attachment?.refusedBecause;
  return attachmentFinish?.errors[0]?.message ?? refused ?? '';
}

/** Deletes a file, or says why not; throws as dataOf does. */
export async function deleteFile({ id }: Stored): Promise<string> {
  const { attachmentDelete } = await dataOf(server.mutation(DELETE_FILE, { id }));
  return attachmentDelete?.errors[0]?.message ?? '';
}
