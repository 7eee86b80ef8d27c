// A worker module that says how far it is.

/**
 * @param {{ rows: number }} input
 * @param {import('millrace').JobContext} job
 */
export default function importRows({ rows }, job) {
  job.log(`importing ${rows} rows`)
  let sum = 0
  for (let row = 1; row <= rows; row++) {
    sum += Math.sqrt(row)
    if (row % 100_000 === 0) job.progress({ row, of: rows })
  }
  job.log('done')
  return { rows, sum: Math.round(sum) }
}
