/**
 * The process between a bench and its server: whatever becomes of the bench, the server ends with it, for the channel to it
 * closes then.
 */
import { spawn } from 'node:child_process'
import type { ServerCommand } from './server.js'

const { command, args, ...as } = JSON.parse(process.argv[2] ?? '{}') as ServerCommand
const server = spawn(command, args, { ...as, stdio: ['ignore', 'inherit', 'inherit'] })
server.on('exit', (code) => process.exit(code ?? 1))
process.on('disconnect', () => server.kill('SIGINT'))
