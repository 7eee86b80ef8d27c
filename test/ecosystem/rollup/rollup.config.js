export default {
  input: { main: 'main.js', 'workers/area': 'workers/area.js' },
  external: [/^node:/, /^millrace/],
  output: { dir: 'out' },
}
