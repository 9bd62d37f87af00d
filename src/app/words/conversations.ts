/** Words about conversations between a few people. */
import type { ChannelInfo, SpaceInfo } from '../../api.ts'

export const CONVERSATIONS = {
  conversations: 'Conversations',
  newConversation: 'New conversation',
  conversationHint: 'Only the people you choose can read it. It stays when you leave the space where you met.',
  withWhom: 'With whom',
  findPeople: 'Find people',
  startConversation: 'Start',
  nobodyToTalkTo: 'There is nobody to talk to yet. Invite people to a space first: whoever is there with you can be written to.',
  nobodyFound: 'Nobody here has that name.',
  notTogether: 'They share no space with everybody you have chosen, so they can’t be reached together.',
  chosen: (names: string) => `With ${names}`,
  conversationFull: (n: number) => `A conversation is for up to ${n} people. Make a private channel for more.`,
  conversationMenu: (name: string) => `Options of the conversation with ${name}`,
  nameConversation: 'Name it',
  conversationName: 'Name of the conversation',
  conversationNameHint: 'Everybody in it sees the name, and anybody may change it.',
  leaveConversation: 'Leave the conversation',
  leaveConversationSure: (name: string) => `Leave the conversation with ${name}?`,
  leaveConversationHint: 'You stop receiving what is written there, and it is removed from this device. The others keep what they have.',
  conversationOpens: (name: string) => `Opening your conversation with ${name}`,
  conversationOpensHint: 'It is being fetched from whoever is connected, and from the relay. You can do something else meanwhile: it opens by itself.',
  /** Where one is: a channel of a space, or a conversation, which has no channels to speak of. */
  placeName: (space: Pick<SpaceInfo, 'kind' | 'name'> | undefined, channel: Pick<ChannelInfo, 'name'>): string => (space?.kind === 'dm' ? space.name : `#${channel.name}`),
}
