/** How millrace does beside what else one would take for its work. */
import { calibrate } from '../../workers/spin.js'
import { bullmq } from '../peers/bullmq.js'
import { graphileWorker } from '../peers/graphile-worker.js'
import { liteque } from '../peers/liteque.js'
import { millrace } from '../peers/millrace.js'
import type { OpenPeer, Work } from '../peers/peer.js'
import { pgBoss } from '../peers/pg-boss.js'
import { piscina } from '../peers/piscina.js'
import { plainjob } from '../peers/plainjob.js'
import { threads } from '../peers/threads.js'
import { tinypool } from '../peers/tinypool.js'
import { workerpool } from '../peers/workerpool.js'
import type { Question, Row, Run } from '../question.js'
import { THREADS, warmUp } from '../subject.js'

/** The jobs, how many of them are unfinished at any moment, and how many are enqueued by one call. */
const LOADS = [
  { job: 'no-op', work: 'noop', width: 1000, perCall: 1 },
  { job: 'no-op, 1000 a call', work: 'noop', width: 4000, perCall: 1000 },
  { job: '1 ms', work: 'spinRounds', width: 64, perCall: 1 },
] as const satisfies { job: string; work: Work; width: number; perCall: number }[]

type Load = (typeof LOADS)[number]

interface Subject {
  /** And in brackets what a job is durable against, or by. */
  readonly name: string
  readonly open: OpenPeer
  /** Of which loads there are rows. */
  readonly loads: readonly Load['job'][]
}

const SUBJECTS: readonly Subject[] = [
  { name: 'millrace (fsync)', open: millrace('disk'), loads: ['no-op', 'no-op, 1000 a call', '1 ms'] },
  { name: "millrace, durability 'process' (no fsync)", open: millrace('process'), loads: ['no-op'] },
  { name: 'worker_threads (nothing stored)', open: threads, loads: ['no-op', '1 ms'] },
  { name: 'Piscina (nothing stored)', open: piscina, loads: ['no-op', '1 ms'] },
  { name: 'tinypool (nothing stored)', open: tinypool, loads: ['no-op', '1 ms'] },
  { name: 'workerpool (nothing stored)', open: workerpool, loads: ['no-op', '1 ms'] },
  {
    name: 'BullMQ, in process (AOF, fsync always)',
    open: bullmq('in process', 'always'),
    loads: ['no-op', '1 ms'],
  },
  {
    name: 'BullMQ, in process (AOF, fsync everysec)',
    open: bullmq('in process', 'everysec'),
    loads: ['no-op', 'no-op, 1000 a call'],
  },
  {
    name: 'BullMQ, sandbox of threads (AOF, fsync everysec)',
    open: bullmq('sandbox', 'everysec'),
    loads: ['no-op', '1 ms'],
  },
  {
    name: 'plainjob, in process (WAL, synchronous NORMAL)',
    open: plainjob('in process'),
    loads: ['no-op', 'no-op, 1000 a call', '1 ms'],
  },
  {
    name: `plainjob, ${THREADS} processes (WAL, synchronous NORMAL)`,
    open: plainjob('processes'),
    loads: ['no-op', '1 ms'],
  },
  { name: 'liteque, in process (WAL, synchronous NORMAL)', open: liteque, loads: ['no-op', '1 ms'] },
  {
    name: 'pg-boss, in process (synchronous_commit on)',
    open: pgBoss,
    loads: ['no-op', 'no-op, 1000 a call', '1 ms'],
  },
  {
    name: 'graphile-worker, in process (synchronous_commit on)',
    open: graphileWorker,
    loads: ['no-op', 'no-op, 1000 a call', '1 ms'],
  },
]

const question: Question = {
  title: 'Beside its peers',
  how: `Jobs per second, from the call that enqueues to the reported outcome, on ${THREADS} threads where there are threads. Of jobs that do
nothing 1,000 are unfinished at any moment, or 4,000 where a call enqueues 1,000; of jobs of 1 ms of CPU 64, which have had 20,000 jobs of no
length before, or 10 s of them, 4 at a time. Each peer is set up as its documents advise for speed. In brackets: how jobs are kept.

What the figures do not say:

- Pools and threads alone keep nothing.
- \`fsync\`, \`always\` and \`synchronous_commit\` outlive a power cut. \`everysec\` may lose a second of jobs by it; \`'process'\` and
  \`synchronous NORMAL\` more. All outlive the death of the process.
- "In process" means on the main thread. CPU work blocks it, and uses one core; one would start more processes.
- Redis and PostgreSQL share the cores with the bench here. They can serve many machines, which millrace cannot.
- liteque and graphile-worker report an outcome before it is stored, the others after that. plainjob's processes report by a message
  of the bench's, for they have no way to.
- pg-boss's jobs are fetched and completed up to 500 at a time, without the pause that its own loop makes between two looks.
- Millrace keeps the last 10,000 outcomes, plainjob and pg-boss keep all, the others none.`,
  unit: 'jobs/s',
  better: 'neither',
  common: calibrate,
  rows: LOADS.flatMap((load) =>
    SUBJECTS.filter(({ loads }) => loads.includes(load.job)).map((subject): Row => {
      const base = nameOf(load, SUBJECTS[0])
      const name = nameOf(load, subject)
      return { name, measure: (run) => rate(subject, load, run), ...(name !== base && { against: base }) }
    }),
  ),
}
export default question

function nameOf({ job }: Load, subject: Subject | undefined): string {
  return `${job}: ${subject?.name}`
}

async function rate({ open }: Subject, { work, width, perCall }: Load, run: Run): Promise<number> {
  const peer = await open(work, run.directory)
  const input = work === 'noop' ? 0 : Math.round(run.common)
  const inputs = new Array<number>(perCall).fill(input)
  const [warmUpMs, measuredMs] = run.quick ? [50, 200] : [1000, 3000]
  // A second at full speed is enough for jobs that do nothing.
  if (work === 'spinRounds') await warmUp(run, () => peer.run(0))
  let from: number | undefined
  let finished = 0
  // Looks at the clock itself, for a peer in process may leave no time to timers.
  const line = async () => {
    for (;;) {
      await (perCall === 1 ? peer.run(input) : peer.runMany?.(inputs))
      const now = performance.now()
      // From the first outcome on, for some take a while to start.
      from ??= now + warmUpMs
      if (now >= from + measuredMs) return
      if (now >= from) finished += perCall
    }
  }
  try {
    await Promise.all(Array.from({ length: width / perCall }, line))
  } finally {
    await peer.close()
  }
  return (finished / measuredMs) * 1000
}
