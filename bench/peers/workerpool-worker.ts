/** A thread of workerpool's. */
import noop from '../../workers/noop.js'
import { spinRounds } from '../../workers/spin.js'
import { load } from './peer.js'

interface Workerpool {
  worker(methods: Record<string, (input: number) => unknown>): void
}

const { worker } = await load<Workerpool>('workerpool')
worker({ noop, spinRounds })
