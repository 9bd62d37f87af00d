/** Words about what people say of themselves. */
export const PROFILES = {
  profile: 'Your profile',
  profileButton: 'Name, a line about you, how you look',
  profileHint: 'Everybody in your spaces sees this.',
  profileAbout: 'About you',
  profileAboutExample: 'What you do here, or how you are today',
  profileFace: 'In place of a picture',
  profileEmoji: 'Choose an emoji',
  profileEmojiIs: (emoji: string) => `${emoji} Choose another`,
  profileInitials: 'Use your initials',
  profileColour: 'Colour',
  /** The first is that of the id; the others go around the circle. */
  colours: ['As given', 'Red', 'Orange', 'Yellow', 'Lime', 'Green', 'Mint', 'Cyan', 'Sky', 'Blue', 'Violet', 'Magenta', 'Pink'],
}
