/**
 * cbor-x, with its native part on Node.js only: Bun aborts inside it, Deno does not find what it links to. Everything else that
 * uses cbor-x imports it from here, so that the choice is made before it loads.
 */
import './native-part.js'

export { addExtension, Encoder } from 'cbor-x'
