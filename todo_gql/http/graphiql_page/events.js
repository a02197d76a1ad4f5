// Reads answers as they come in an event stream.

/** The data of each event `next` until `complete`, or until the server ends the stream. */
export async function* eventsIn(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const blocks = (text + value).split('\n\n');
      text = blocks.pop();
      for (const block of blocks) {
        const [event, data] = block.split('\n');
        if (event === 'event: complete') return;
        if (event === 'event: next') yield JSON.parse(data.slice('data: '.length));
      }
    }
  } finally {
    await reader.cancel();
  }
}
