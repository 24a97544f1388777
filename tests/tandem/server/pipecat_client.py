"""Run by pipecat's own Python: its OpenAI Realtime service talks to a server, and what it heard is printed as JSON.

Arguments: the server's address, the key, and a file of PCM16 at 24 kHz that the user says.
"""

import asyncio
import json
import sys
from pathlib import Path

from pipecat.frames.frames import (
    ErrorFrame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineParams, PipelineTask
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService

PIECE = 20 * 48  # 20 ms


class Ear(FrameProcessor):
    """Keeps what passes."""

    def __init__(self, heard):
        super().__init__()
        self.heard = heard

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if isinstance(frame, TranscriptionFrame):
            self.heard["user"].append(frame.text)
        elif isinstance(frame, InterimTranscriptionFrame):
            self.heard["interim"].append(frame.text)
        elif isinstance(frame, LLMTextFrame | TTSTextFrame):
            self.heard["text"].append((type(frame).__name__, frame.text))
        elif isinstance(frame, TTSAudioRawFrame):
            self.heard["bytes"] += len(frame.audio)
        elif isinstance(frame, ErrorFrame):
            self.heard["errors"].append(str(frame.error))
        elif isinstance(frame, LLMFullResponseEndFrame | TTSStoppedFrame):
            self.heard["ends"] += direction == FrameDirection.DOWNSTREAM
        await self.push_frame(frame, direction)


async def main(url, key, path):
    heard = {"user": [], "interim": [], "text": [], "bytes": 0, "errors": [], "ends": 0}
    service = OpenAIRealtimeLLMService(
        api_key=key, base_url=url, settings=OpenAIRealtimeLLMService.Settings(system_instruction="Be brief.")
    )
    task = PipelineTask(Pipeline([Ear(heard), service, Ear(heard)]), params=PipelineParams())

    async def speak():
        await asyncio.sleep(0.5)
        await task.queue_frame(LLMContextFrame(LLMContext([{"role": "user", "content": "Hello"}])))
        await asyncio.sleep(0.5)
        sound = Path(path).read_bytes()
        for start in range(0, len(sound), PIECE):
            await task.queue_frame(InputAudioRawFrame(sound[start : start + PIECE], 24000, 1))
            await asyncio.sleep(0.0195)
        for _ in range(100):
            if heard["ends"] >= 2:
                break
            await asyncio.sleep(0.1)
        await task.cancel()

    await asyncio.gather(PipelineRunner(handle_sigint=False).run(task), speak())
    print("\n" + json.dumps(heard))


asyncio.run(main(*sys.argv[1:]))
