/**
 * The emoji that people reach for, with the words they look for them by. Far from all: whatever a keyboard can type can be written in a message.
 * The words are English, like all words of the app; a translation brings its own.
 */
export interface Emoji { readonly emoji: string; readonly words: string }

/** What people answer with most: offered first. */
export const USUAL: readonly string[] = ['👍', '❤️', '😂', '🎉', '😮', '😢']

const LIST = `
👍 thumbs up yes good ok like
👎 thumbs down no bad dislike
❤️ heart red love
😂 joy tears laugh lol
🎉 party tada celebrate congratulations
😮 surprised wow oh open mouth
😢 cry sad tear
😀 grin happy smile
😄 smile happy laugh
😅 sweat smile phew relief
🤣 rolling floor laughing rofl
🙂 slight smile
🙃 upside down
😉 wink
😊 blush smile happy
😇 angel innocent halo
🥰 hearts love adore
😍 heart eyes love
😘 kiss
😋 yum tasty delicious
😜 tongue wink silly
🤪 zany crazy
🤗 hug
🤭 giggle hand mouth oops
🤫 shush quiet secret
🤔 thinking hmm
🤨 eyebrow doubt sceptical
😐 neutral meh
😏 smirk
🙄 eye roll
😬 grimace awkward
😌 relieved calm
😴 sleep zzz tired
🤒 ill sick thermometer
🤯 mind blown exploding
🥳 party face birthday
😎 cool sunglasses
🤓 nerd glasses
😕 confused
😟 worried
😳 flushed embarrassed
🥺 pleading please puppy
😭 sob cry loud
😱 scream fear
😤 huff steam proud
😡 angry mad rage
💀 skull dead
💩 poo
🤡 clown
👻 ghost halloween
👽 alien
🤖 robot bot
🐱 cat
🐶 dog
🦊 fox
🐻 bear
🐼 panda
🐸 frog
🐔 chicken hen
🐝 bee
🐛 bug caterpillar
🦋 butterfly
🐌 snail slow
🐢 turtle slow
🐙 octopus
🐟 fish
🦔 hedgehog
🌱 seedling plant grow
🌿 herb leaf green
🍀 clover luck
🌳 tree
🌵 cactus
🌻 sunflower flower
🌹 rose flower
🌷 tulip flower
🍄 mushroom
🌍 world earth globe
🌞 sun
🌙 moon night
⭐ star
✨ sparkles shiny new
⚡ lightning fast zap
🔥 fire hot lit
🌈 rainbow
☀️ sun sunny weather
🌧️ rain weather
❄️ snow cold winter
💧 drop water
🍎 apple red
🍓 strawberry
🍅 tomato
🥕 carrot
🌽 corn maize
🥔 potato
🍞 bread
🧀 cheese
🍕 pizza
🍔 burger
🍟 fries chips
🌮 taco
🍝 pasta spaghetti
🍣 sushi
🍰 cake
🎂 birthday cake
🍪 cookie biscuit
🍫 chocolate
🍿 popcorn
☕ coffee tea hot
🍵 tea
🍺 beer
🍻 cheers beers
🍷 wine
🥂 cheers champagne toast
👋 wave hello bye hi
👌 ok perfect
✌️ peace victory
🤞 fingers crossed luck hope
🤟 love you
🤘 rock
👏 clap applause bravo
🙌 hooray hands raised
🙏 thanks please pray
🤝 handshake deal agree
💪 strong muscle
🫡 salute yes
👀 eyes look watching
🧠 brain smart
🤷 shrug dunno
🤦 facepalm
🙋 raise hand me question
💁 info
🏃 run hurry
💃 dance
🚶 walk
👶 baby
👪 family
🧡 orange heart
💛 yellow heart
💚 green heart
💙 blue heart
💜 purple heart
🖤 black heart
💔 broken heart
💯 hundred perfect
💥 boom explosion
💤 sleep zzz
💬 speech talk chat
✅ check done yes
☑️ tick done
❌ cross no wrong
❓ question
❗ exclamation important
⚠️ warning careful
🚫 forbidden no
🆗 ok
🆕 new
🔔 bell notify
🔒 lock secret private
🔑 key
💡 idea bulb light
📌 pin
📎 clip attach
📝 note write memo
📅 calendar date
📦 package box ship
📷 camera photo
📞 phone call
💻 computer laptop
🔧 wrench tool fix
🔨 hammer tool build
⚙️ gear settings
🚀 rocket launch ship
🚗 car
🚲 bike bicycle
🚂 train
✈️ plane flight travel
🏠 house home
🏡 garden house
🏖️ beach holiday
⛺ tent camping
🎁 gift present
🎈 balloon
🏆 trophy win
🥇 gold medal first
⚽ football soccer
🏀 basketball
🎮 game controller
🎲 dice game
🎵 music note
🎸 guitar
🎤 microphone sing
🎬 film movie
📚 books read
🎨 art paint
⏰ alarm clock time
⏳ hourglass wait
💰 money
🗑️ bin rubbish delete
🏁 finish flag
🏳️‍🌈 rainbow flag pride`

export const EMOJI: readonly Emoji[] = LIST.trim().split('\n').map((line) => {
  const at = line.indexOf(' ')
  return { emoji: line.slice(0, at), words: line.slice(at + 1) }
})

/** Those with a word that begins so, for every word typed; as typed first. */
export function findEmoji(query: string): readonly Emoji[] {
  const wanted = query.toLowerCase().split(/[\s:]+/).filter((word) => word !== '')
  if (wanted.length === 0) return EMOJI
  const rank = (e: Emoji): number => (e.words.startsWith(wanted.join(' ')) ? 0 : 1)
  return EMOJI.filter((e) => e.emoji === query.trim() || wanted.every((word) => ` ${e.words}`.includes(` ${word}`))).sort((a, b) => rank(a) - rank(b))
}
