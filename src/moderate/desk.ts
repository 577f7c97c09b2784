// What every part of the desk is given.
import type { Auth } from '../auth.ts';
import type { Db } from '../db/client.ts';

export interface Desk {
  db: Db;
  auth: Auth;
  now: () => Date;
  /** Bytes of a request body. */
  maxBodyBytes: number;
}
