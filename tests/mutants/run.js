/*
 * Deliberate mistakes, each of which some test must notice: `make mutants`, `make mutants T=name` for one. A mutant is one exact text of one
 * source file, put in place of another; it lives in a copy of the tree below build/, where only that file is compiled again. A mutant that no
 * named test notices has survived, and that is a failure; so is one whose text is no longer found, or that does not compile.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { mutants } from './list.js'

const top = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const tree = path.join(top, 'build/mutants')
const TEST_MS = 600_000
const only = process.argv[2]

/** A copy of what is compiled, and of what was compiled of it, with its times. */
function copyTree() {
  fs.rmSync(tree, { recursive: true, force: true })
  fs.mkdirSync(path.join(tree, 'build'), { recursive: true })
  for (const name of ['Makefile', 'server', 'schema', 'tests', 'deploy', 'web']) {
    execFileSync('cp', ['-a', path.join(top, name), tree])
  }
  for (const name of fs.readdirSync(path.join(top, 'build'))) {
    if (!['mutants', 'asan', 'tsan', 'clang', 'fuzz', 'interop', 'bench', 'shots', 'shs1', 'web-tests'].includes(name)) {
      execFileSync('cp', ['-a', path.join(top, 'build', name), path.join(tree, 'build')])
    }
  }
}

function make(args) {
  return spawnSync('make', ['--no-print-directory', '-s', ...args], { cwd: tree, encoding: 'utf8', env: { ...process.env, TRIES: '1' }, timeout: TEST_MS, killSignal: 'SIGKILL' })
}

/** Which of its tests notices the mutant? Null: none. */
function noticedBy(mutant) {
  for (const test of mutant.tests) {
    const ran = make(test.startsWith('make ') ? test.slice(5).split(' ') : ['unit', `T=${test}`])
    if (ran.status !== 0) return test
  }
  return null
}

function tryMutant(mutant) {
  const file = path.join(tree, mutant.file)
  const sound = fs.readFileSync(file, 'utf8')
  const at = sound.indexOf(mutant.find)
  if (at < 0 || sound.indexOf(mutant.find, at + 1) >= 0) return `its text is not found exactly once in ${mutant.file}`
  fs.writeFileSync(file, sound.slice(0, at) + mutant.put + sound.slice(at + mutant.find.length))
  try {
    const built = make([`build/release/${mutant.file.replace(/\.c$/, '.o')}`])
    if (built.status !== 0) return `it does not compile: ${built.stderr.split('\n')[0]}`
    const test = noticedBy(mutant)
    if (test === null) return `it survived ${mutant.tests.join(', ')}`
    console.log(`caught  ${mutant.name} (by ${test}): ${mutant.what}`)
    return null
  } finally {
    fs.writeFileSync(file, sound)
  }
}

const chosen = mutants.filter((mutant) => only === undefined || mutant.name === only)
copyTree()
let failed = chosen.length === 0 ? 1 : 0
for (const mutant of chosen) {
  const why = tryMutant(mutant)
  if (why !== null) {
    console.log(`FAILED  ${mutant.name}: ${why}`)
    failed++
  }
}
fs.rmSync(tree, { recursive: true, force: true })
console.log(`${chosen.length - failed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
