import { UnrecoverableError } from 'millrace/worker'

export function rows(count, job) {
  job.progress(0.5)
  job.log(`row ${count}`)
  return Array.from({ length: count }, (_, index) => ({ id: index, name: `Grüße aus Köln № ${index}` }))
}

export function refuse() {
  throw new UnrecoverableError('refused')
}

export function spin() {
  for (;;);
}
