/** The notes of a job in transit: what it has noted, and what of that is stored. */
import type { Notes } from '../../../job/notes.js'
import type { NoteKind } from '../format/note.js'

export class RunningNotes {
  notes: Notes = {}
  /** What has a key on disk, or in a group that is to be written. */
  readonly stored = new Set<NoteKind>()
  /** What is newer than that. */
  readonly changed = new Set<NoteKind>()
}
