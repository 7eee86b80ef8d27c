/** Tells cbor-x, before it loads, to leave out its native part on runtimes that cannot use it. */
if ('bun' in process.versions || 'deno' in process.versions)
  process.env.CBOR_NATIVE_ACCELERATION_DISABLED = 'true'
