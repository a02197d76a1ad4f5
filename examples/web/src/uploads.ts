// Sends a file where the server says: its hash first, then its bytes, with how much has gone.
import type { UploadFragment } from './__generated__/graphql';
import { TryAgainLater, UNREACHABLE } from './retrying';

/** Called with the share that has been sent, from 0 to 1. */
export type OnProgress = (share: number) => void;

/** The SHA-256 hash of a file, in hexadecimal; browsers have it over https and on this machine alone. */
export async function sha256(file: Blob): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Sends a file's bytes; throws TryAgainLater if they don't arrive, and Error with words for people. */
export function upload(
  { url, method, headers }: UploadFragment,
  file: Blob,
  onProgress: OnProgress,
): Promise<void> {
  return new Promise((resolve, reject) => {
    // fetch doesn't tell how much has been sent.
    const request = new XMLHttpRequest();
    request.open(method, ownAddress(url));
    for (const { name, value } of headers) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 1);
    request.onerror = () => reject(new TryAgainLater(UNREACHABLE));
    request.onload = () => {
      if (request.status < 300) resolve();
      else reject(new Error(`The file was not stored (${request.status}). Try it once more.`));
    };
    request.send(file);
  });
}

/** An address of the server's own by way of this page, which has no other; a store's stays as it is. */
export function ownAddress(url: string): string {
  const { pathname, search } = new URL(url, location.href);
  return pathname.startsWith('/files/') ? `${pathname}${search}` : url;
}

/** A size as people read it. */
export function sizeOf(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  const [amount, unit] = bytes < 1_000_000 ? [bytes / 1_000, 'kB'] : [bytes / 1_000_000, 'MB'];
  return `${amount < 10 ? amount.toFixed(1) : Math.round(amount)} ${unit}`;
}
