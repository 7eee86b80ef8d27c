import { resolve } from 'node:path'

export default {
  mode: 'production',
  target: 'node',
  entry: './main.js',
  externals: { millrace: 'module millrace', 'millrace/worker': 'module millrace/worker' },
  experiments: { outputModule: true },
  output: { path: resolve('out'), filename: 'main.js', module: true },
}
