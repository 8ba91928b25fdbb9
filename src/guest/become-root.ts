import { codeStart, elfExecutable } from './elf.ts'

/**
 * A program of some 200 bytes that becomes root and runs one program with its own arguments: the set-uid part of `sudo`
 * (the kernel ignores the bit on scripts, and Debian's sudo would bring PAM, 3 MB and 100 ms). Only members of the
 * group cirros may run it, who are root's equals in this guest anyway.
 */
export function becomeRootProgram(program: string): Buffer {
  const code = [
    '31ff', // xor edi, edi
    'b86a0000000f05', // setgid(0)
    '31f6', // xor esi, esi
    'b8740000000f05', // setgroups(0, NULL)
    'b8690000000f05', // setuid(0)
    'bf00000000', // mov edi, <address of the path>, set below
    '488d742408', // lea rsi, [rsp + 8]: argv
    '488b0424', // mov rax, [rsp]: argc
    '488d54c410', // lea rdx, [rsp + rax * 8 + 16]: environment
    'b83b0000000f05', // execve(path, argv, environment)
    'bf7e000000', // mov edi, 126
    'b83c0000000f05', // exit(126)
  ]
  const beforePath = Buffer.from(code.join(''), 'hex')
  const addressOfPath = beforePath.indexOf(Buffer.from([0xbf, 0, 0, 0, 0])) + 1
  beforePath.writeUInt32LE(codeStart + beforePath.length, addressOfPath)
  return elfExecutable(Buffer.concat([beforePath, Buffer.from(`${program}\0`)]))
}
