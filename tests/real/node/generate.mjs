// Loads a model, generates, unloads, ROUNDS times: node generate.mjs MODEL ROUNDS GPU LAYERS [LOG LEVEL [unchecked]]
// Unchecked, whether the model fits is not estimated before llama.cpp loads it.
import {getLlama} from "node-llama-cpp";

const [modelPath, rounds, gpu, gpuLayers, logLevel = "error", unchecked] = process.argv.slice(2);
const llama = await getLlama({gpu: gpu === "false" ? false : gpu, build: "never", skipDownload: true, logLevel});
const held = async () => gpu === "false" ? 0 : (await llama.getVramState()).used;
console.log(JSON.stringify({gpu: llama.gpu, devices: await llama.getGpuDeviceNames(), held: await held()}));
for (let round = 0; round < Number(rounds); round++) {
    const model = await llama.loadModel({modelPath, gpuLayers, ignoreMemorySafetyChecks: unchecked === "unchecked"});
    const context = await model.createContext({contextSize: 256});
    const prompt = model.tokenize("the quick brown fox jumps over the lazy dog");
    let decoded = 0;
    for await (const _ of context.getSequence().evaluate(prompt))
        if (++decoded >= 8)
            break;
    const loaded = await held();
    const layers = model.gpuLayers;
    await context.dispose();
    await model.dispose();
    console.log(JSON.stringify({layers, prompt: prompt.length, decoded, loaded, held: await held()}));
}
await llama.dispose();
