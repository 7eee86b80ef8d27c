/** Whether one main thread can keep many threads at work. */
import { measureNaps, type NapLoad } from '../naps/measure-naps.js'
import { byHand, millrace, type OpenNappers, piscina } from '../naps/nappers.js'
import type { Line, Question, Row, Target } from '../question.js'

const NAPS_MS = [1, 10, 100]
const THREADS = [8, 32, 64, 128]
/** By hand, two messages a thread are enough: one that it works on, one that lies in its port. */
const BY_HAND_EACH = 2
const EACH = [64, 4]

/** The others are measured with `--full`. */
const MAIN = [
  '1 ms × 8, 64 each',
  '1 ms × 32, 64 each',
  '1 ms × 64, 64 each',
  '10 ms × 8, 64 each',
  '10 ms × 128, 64 each',
  '10 ms × 128, 4 each',
  '100 ms × 128, 64 each',
]

/** In % of the ideal, by the number of threads. */
const SHORT_TARGETS: Readonly<Record<number, number>> = { 8: 88, 32: 85, 64: 75 }
const LONG_TARGET = 96

const question: Question = {
  title: 'Many threads on one main thread',
  how: `Jobs that sleep for 1, 10 or 100 ms in place of working, so that two cores stand for many: "10 ms × 128, 4 each" are jobs of 10 ms
on 128 threads, 4 a thread unfinished at any moment. Figures are the share of the threads' time that is slept: 100 % is threads ÷ nap,
the ideal. The main thread's figures are of millrace's rows, from \`enqueue\` to the reported outcome, durable to disk: the share of
the time that its event loop is active, and its CPU time. A job of 10 or 100 ms has a waybill of its own, shorter ones share one.
By hand: each thread always has two messages in its port, and nothing is stored. It shows what the machine can do. All have had up to
20,000 jobs of no length before.`,
  unit: '%, µs',
  digits: 1,
  better: 'more',
  rows: NAPS_MS.flatMap((ms) => THREADS.flatMap((threads) => rowsOf(ms, threads))),
}
export default question

function rowsOf(ms: number, threads: number): Row[] {
  const loads = EACH.map((each) => ({ ms, threads, each }))
  const ideal = { ms, threads, each: BY_HAND_EACH }
  const isLong = loads.every((load) => !MAIN.includes(nameOf(load)))
  return [
    { ...row('worker_threads by hand', byHand, ideal), name: `${ms} ms × ${threads}: by hand`, isLong },
    ...loads.flatMap((load) => [
      row('Piscina', piscina, load),
      {
        ...row('millrace', millrace, load),
        isSteady: true,
        ...targeted(targetOf(load)),
        also: alsoOf(load),
      },
    ]),
  ]
}

function row(subject: string, open: OpenNappers, load: NapLoad): Row {
  return {
    name: `${nameOf(load)}: ${subject}`,
    figure: 'share',
    isLong: !MAIN.includes(nameOf(load)),
    measure: async (run) => ({ figures: await measureNaps(open, load, run) }),
  }
}

/** What else is known of a millrace row. */
function alsoOf(load: NapLoad): Line[] {
  const name = nameOf(load)
  const cpu = 'µs of main thread per job'
  return [
    // Less than a hundredth is noise.
    { name: `${name}: beside Piscina`, against: `${name}: Piscina`, target: { atLeast: 0.99 } },
    { name: `${name}: % of main thread busy`, figure: 'busy', better: 'less', target: { atMost: 50 } },
    {
      name: `${name}: ${cpu}`,
      figure: 'cpuUs',
      better: 'less',
      ...(load.ms === 10 && load.threads === 8 && { target: { atMost: 60 } }),
      ...(load.ms === 10 &&
        load.threads === 128 && {
          against: `${nameOf({ ...load, threads: 8 })}: ${cpu}`,
          target: { atMost: 1.2 },
        }),
    },
  ]
}

function targetOf({ ms, threads }: NapLoad): Target | undefined {
  const atLeast = ms === 1 ? SHORT_TARGETS[threads] : LONG_TARGET
  return atLeast === undefined ? undefined : { atLeast }
}

function targeted(target: Target | undefined): Pick<Line, 'target'> {
  return target ? { target } : {}
}

function nameOf({ ms, threads, each }: NapLoad): string {
  return `${ms} ms × ${threads}, ${each} each`
}
