// Seeds for the fuzz target of kith.conf: node tests/fuzz/seeds_conf.js DIR writes DIR/conf/<n>.
'use strict'

const fs = require('fs')
const path = require('path')

const dir = path.join(process.argv[2], 'conf')
fs.mkdirSync(dir, { recursive: true })

const key = Buffer.alloc(32, 7).toString('base64')
const seeds = [
  `# a whole one\ndata = /srv/kith\nhost = ::1\nport = 8008\nhttp-port = 8989\nnetwork-key = ${key}\nhops = 2\npeers-max = 16000\nlan = no\nlan-port = 0\nbackups = true\nlog-level = debug\n`,
  '\ufeffport: 1\r\n\tbackup-dir\t=\t/mnt/käse ; no comment\r\n; one\n\n  hops = 4',
  '[node]\nport = 1\n[\n]\n= 5\nport\nport = 1\nport = 2\n',
  `web-dir = /${'x'.repeat(4084)}\nweb-dir = /${'x'.repeat(4085)}\n`,
  Buffer.from('port = 1\0\nlan = \xff\n\x1b[2J = 3\n', 'latin1'),
  '\n'.repeat(3000) + 'htp-port = 65536'
]
seeds.forEach((seed, i) => fs.writeFileSync(path.join(dir, String(i)), seed))
