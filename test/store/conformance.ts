/** What any engine behind the `Store` interface must do, verb by verb of a job's life. */
import { describe } from 'node:test'
import type { OpenStore } from '../support/store.js'
import { adding } from './conformance/adding.js'
import { boundingBytes } from './conformance/bounding-bytes.js'
import { changing } from './conformance/changing.js'
import { changingMany } from './conformance/changing-many.js'
import { claiming } from './conformance/claiming.js'
import { completing } from './conformance/completing.js'
import { crowding } from './conformance/crowding.js'
import { delaying } from './conformance/delaying.js'
import { keys } from './conformance/keys.js'
import { lanes } from './conformance/lanes.js'
import { listing } from './conformance/listing.js'
import { noting } from './conformance/noting.js'
import { recovering } from './conformance/recovering.js'
import { retaining } from './conformance/retaining.js'
import { settling } from './conformance/settling.js'

export function conformance(name: string, open: OpenStore): void {
  const parts = {
    adding,
    crowding,
    keys,
    claiming,
    lanes,
    noting,
    settling,
    completing,
    delaying,
    listing,
    changing,
    changingMany,
    retaining,
    boundingBytes,
    recovering,
  }
  for (const [part, tests] of Object.entries(parts)) describe(`${name}: ${part}`, () => tests(open))
}
