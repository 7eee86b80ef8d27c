export default {
  build: {
    ssr: true,
    outDir: 'out',
    rolldownOptions: { input: { main: 'main.js', 'workers/area': 'workers/area.js' } },
  },
}
