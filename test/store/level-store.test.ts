import { openLevelStore } from '../support/store.js'
import { conformance } from './conformance.js'

conformance('a store on LevelDB', openLevelStore)
