/** Numbers: medians, quantiles, and what the kernel counts of a process. */
'use strict'
const fs = require('fs')

const sorted = (values) => [...values].sort((a, b) => a - b)

exports.quantile = (values, share) => {
  const all = sorted(values)
  return all[Math.min(all.length - 1, Math.floor(share * all.length))]
}
exports.median = (values) => exports.quantile(values, 0.5)

/** CPU seconds that a process has used; the kernel counts in hundredths. */
exports.cpuSeconds = (pid) => {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
  const [user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13).map(Number)
  return (user + system) / 100
}

/** Resident memory in MiB: now, and at its highest. */
exports.memory = (pid) => {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8')
  const mib = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)[1]) / 1024
  return { now: mib('VmRSS'), peak: mib('VmHWM') }
}

/** Let the highest count start afresh; false where the kernel does not allow it. */
exports.forgetPeak = (pid) => {
  try {
    fs.writeFileSync(`/proc/${pid}/clear_refs`, '5')
    return true
  } catch (err) {
    return false
  }
}

exports.ms = (since) => Number(process.hrtime.bigint() - since) / 1e6
exports.clock = () => process.hrtime.bigint()

/** `p50 0.42 ms, p99 1.3 ms` of a list of milliseconds. */
exports.latency = (values) =>
  `p50 ${exports.quantile(values, 0.5).toFixed(2)} ms, p99 ${exports.quantile(values, 0.99).toFixed(2)} ms (${values.length})`

/** Bytes that a process has caused to be written to the disk; null where the kernel does not tell. */
exports.written = (pid) => {
  try {
    return Number(/write_bytes: (\d+)/.exec(fs.readFileSync(`/proc/${pid}/io`, 'utf8'))[1])
  } catch (err) {
    return null
  }
}
