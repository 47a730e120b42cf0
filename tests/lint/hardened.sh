#!/bin/sh
# `hardened.sh PROGRAM`: what the compiler and the linker were asked for is in the program that came out. Says what is missing; ends with 1 then.
# Functions that check their stack or their buffers are names it takes from the C library. What the CPU checks is looked for in the code: the note that
# tells of it is lost by linking with what Debian's C library begins every program with.
set -u
program=$1
missing=0
lacks() {
	printf '%s: %s\n' "$program" "$1"
	missing=1
}
head=$(readelf -hlWd "$program") && names=$(readelf -sW --dyn-syms "$program") || exit 1
has() { # lines, pattern
	printf '%s\n' "$1" | grep -E >/dev/null "$2"
}
has "$head" 'Type: +DYN' || lacks "is not position independent"
has "$head" 'INTERP' || lacks "is no program"
has "$head" 'FLAGS_1.* PIE' || lacks "is not marked as position independent"
has "$head" 'GNU_RELRO' || lacks "does not make its tables read-only (relro)"
has "$head" 'BIND_NOW|FLAGS_1.* NOW' || lacks "does not resolve everything at its start (now)"
has "$head" 'GNU_STACK.* RW +0x' || lacks "does not ask for a stack that is not executable"
! has "$head" 'LOAD.* RWE ' || lacks "has memory that is writable and executable"
! has "$head" 'TEXTREL|RPATH|RUNPATH' || lacks "is patched at its start, or looks for libraries in places of its own"
has "$names" '__stack_chk_fail' || lacks "has no stack protector"
has "$names" '__[a-z]+_chk@' || lacks "has no fortified calls (_FORTIFY_SOURCE)"
# main() of what was compiled last is as good as any; a large frame is walked through page by page.
code=$(objdump -d --no-show-raw-insn "$program")
main=$(printf '%s\n' "$code" | sed -n '/<main>:$/,/^$/p')
case $(printf '%s\n' "$head" | sed -n 's/.*Machine: *//p') in
*X86-64)
	has "$main" 'endbr64' || lacks "does not mark where it may be jumped to (cf-protection)"
	has "$code" 'orq +\$0x0,\(%rsp\)' || lacks "does not look where its stack grows (stack-clash-protection)"
	;;
AArch64) has "$main" 'paciasp|bti' || lacks "does not sign where it returns to (branch-protection)" ;;
esac
exit $missing
