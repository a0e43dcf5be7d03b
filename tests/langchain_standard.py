"""Which of LangChain's standard tests are left out, and why."""

LEFT_OUT = {
    "test_image_inputs": "fetches its picture from the internet; pictures are in the tables above",
    "test_image_tool_message": "fetches its picture from the internet",
    "test_pdf_inputs": "fetches its document from the internet",
    "test_pdf_tool_message": "fetches its document from the internet",
    "test_audio_inputs": "fetches its recording from the internet",
    "test_anthropic_inputs": "fetches its picture from the internet",
    "test_stream_time": "a benchmark that replays recorded traffic of a vendor",
    "test_json_mode": "needs JSON mode without a schema, which one of the four pairs has",
}
"""Name -> reason; the same for every client and provider."""
