/** The SQLite library that SQLite queues need: native code, which an installation may lack. */
import { NotInstalled } from '../question.js'
import { load } from './peer.js'

/** A connection, which is only passed on. */
export interface Connection {
  close(): unknown
}

interface BetterSqlite3 {
  default: new (file: string) => Connection
}

export async function openSqlite(file: string): Promise<Connection> {
  const { default: Sqlite } = await load<BetterSqlite3>('better-sqlite3')
  try {
    new Sqlite(':memory:').close()
  } catch {
    throw new NotInstalled('npm rebuild better-sqlite3 --prefix bench')
  }
  return new Sqlite(file)
}
