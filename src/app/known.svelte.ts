/** What is known of each space besides its messages: channels, categories, roles, members. Told whole with each update, and asked for where nothing was told yet. */
import type { CategoryInfo, ChannelInfo, MemberInfo, Results } from '../api.ts'
import type { RoleInfo } from '../api/authority.ts'
import type { SpaceId } from '../wire/ids.ts'
import type { Client } from './client.svelte.ts'

type Whole = { readonly space: SpaceId }

export class Known {
  private channels = $state.raw<ReadonlyMap<SpaceId, readonly ChannelInfo[]>>(new Map())
  private categories = $state.raw<ReadonlyMap<SpaceId, readonly CategoryInfo[]>>(new Map())
  private roles = $state.raw<ReadonlyMap<SpaceId, readonly RoleInfo[]>>(new Map())
  private members = $state.raw<ReadonlyMap<SpaceId, readonly MemberInfo[]>>(new Map())
  private readonly client: Pick<Client, 'ask'>

  constructor(client: Pick<Client, 'ask'>) { this.client = client }

  /** undefined: not told yet. */
  channelsIn(space: SpaceId | undefined): readonly ChannelInfo[] | undefined { return space && this.channels.get(space) }
  categoriesIn(space: SpaceId | undefined): readonly CategoryInfo[] { return (space && this.categories.get(space)) || [] }
  /** The strongest first, everyone's last. */
  rolesIn(space: SpaceId | undefined): readonly RoleInfo[] { return (space && this.roles.get(space)) || [] }
  membersIn(space: SpaceId | undefined): readonly MemberInfo[] { return (space && this.members.get(space)) || [] }

  takeChannels({ space, channels, categories }: Whole & Results['list-channels']): void {
    this.categories = new Map(this.categories).set(space, categories)
    this.channels = new Map(this.channels).set(space, channels)
  }

  takeRoles({ space, roles }: Whole & Results['list-roles']): void { this.roles = new Map(this.roles).set(space, roles) }
  takeMembers({ space, members }: Whole & Results['list-members']): void { this.members = new Map(this.members).set(space, members) }

  /** People first: the answer about the channels is the caller's, since a channel may be opened with it. */
  async fetch(space: SpaceId): Promise<Results['list-channels'] | undefined> {
    void this.client.ask({ type: 'list-roles', space }).then((roles) => { if (roles.ok) this.takeRoles({ space, ...roles.result }) })
    const [channels, members] = await Promise.all([this.client.ask({ type: 'list-channels', space }), this.client.ask({ type: 'list-members', space })])
    if (members.ok) this.takeMembers({ space, ...members.result })
    return channels.ok ? channels.result : undefined
  }

  /** Of spaces that were not opened yet. */
  fetchMembers(spaces: readonly Whole[]): void {
    for (const { space } of spaces) {
      if (!this.members.has(space)) void this.client.ask({ type: 'list-members', space }).then((answer) => { if (answer.ok) this.takeMembers({ space, ...answer.result }) })
    }
  }

  forget(): void {
    this.channels = new Map()
    this.categories = new Map()
    this.roles = new Map()
    this.members = new Map()
  }
}
