import { createConnection, createServer } from 'node:net'

// Started in the network of a test engine: its loopback port leads through a socket file to the machine's own network.
const [port = '0', socketPath = ''] = process.argv.slice(2)
createServer((inner) => {
  const outer = createConnection(socketPath)
  inner.on('error', () => outer.destroy())
  outer.on('error', () => inner.destroy())
  inner.pipe(outer).pipe(inner)
}).listen(Number(port), '127.0.0.1')
