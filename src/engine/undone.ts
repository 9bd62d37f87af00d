/**
 * Notices when acts that had counted on this device count no longer because of what came in, and the other way round, so that people are told why what
 * they saw has changed. What comes in void was never seen by anyone here: the audit has it.
 */
import { isAct, isTold, Teller } from './acts.ts'
import { MAX_UNDONE_TOLD } from './limits.ts'
import type { Replica } from './replica.ts'
import type { Authority } from './space/authority.ts'
import type { Node } from './space/history.ts'
import type { Turn } from './turn.ts'

/** How things stood at the last look. */
interface Look { readonly size: number; readonly upheavals: number; readonly void: ReadonlySet<number> }

export class Undone {
  private readonly looks = new WeakMap<Authority, Look>()

  look(turn: Turn, replica: Replica): void {
    const { authority } = replica
    const before = this.looks.get(authority)
    const { size, upheavals } = authority
    if (before !== undefined && before.size === size && before.upheavals === upheavals) return
    // Without an upheaval only what is new can be void.
    const isQuiet = before !== undefined && before.upheavals === upheavals
    const isVoid = new Set(isQuiet ? before.void : [])
    const undone: Node[] = [], restored: Node[] = []
    let news = false
    for (let index = isQuiet ? before.size : 0; index < size; index++) {
      const node = authority.nodes[index] as Node
      if (!isAct(node)) continue
      const wasThere = before !== undefined && index < before.size
      if (authority.verdict(node.id).type === 'void') isVoid.add(index)
      if (wasThere && isVoid.has(index) !== before.void.has(index)) (isVoid.has(index) ? undone : restored).push(node)
      if (!wasThere) news = true
    }
    this.looks.set(authority, { size, upheavals, void: isVoid })
    if (before === undefined) return
    this.tell(turn, replica, 'undone', undone)
    this.tell(turn, replica, 'restored', restored)
    if (news || undone.length > 0 || restored.length > 0) turn.out.update({ type: 'acts', space: replica.id })
  }

  private tell(turn: Turn, replica: Replica, type: 'undone' | 'restored', all: readonly Node[]): void {
    if (all.length === 0) return
    const nodes = all.filter(isTold(replica))
    if (nodes.length === 0) return
    const teller = new Teller(replica)
    // One's own first: of those one has to know.
    const own = nodes.filter((node) => node.author === replica.me.identity), others = nodes.filter((node) => node.author !== replica.me.identity)
    const told = [...own, ...others].slice(0, MAX_UNDONE_TOLD)
    turn.out.update({ type, space: replica.id, acts: told.map((node) => teller.act(node)), more: nodes.length - told.length })
  }
}
