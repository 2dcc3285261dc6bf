// What llama.cpp itself says to a GGUF file: greedy tokens and the logits behind the prompt, as JSON.
//
//     g++ -std=c++17 llama_oracle.cpp -lllama -lggml -lggml-base -o llama_oracle
//     llama_oracle MODEL.gguf LORA.gguf|- PROMPT.txt TOKENS OUT.json
//
// tests/test_gguf_files.py runs the program that the variable LLAMA_ORACLE names.
#include "llama.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

static void errors_only(ggml_log_level level, const char * text, void *) {
    if (level == GGML_LOG_LEVEL_ERROR) {
        fputs(text, stderr);
    }
}

template <typename T> static void print_list(FILE * out, const char * name, const std::vector<T> & values, const char * format) {
    fprintf(out, "\"%s\": [", name);
    for (size_t i = 0; i < values.size(); i++) {
        fputs(i ? ", " : "", out);
        fprintf(out, format, values[i]);
    }
    fputs("]", out);
}

int main(int argc, char ** argv) {
    if (argc != 6) {
        return 2;
    }
    llama_log_set(errors_only, nullptr);
    llama_backend_init();
    llama_model * model = llama_model_load_from_file(argv[1], llama_model_default_params());
    if (!model) {
        return 3;
    }
    llama_context_params settings = llama_context_default_params();
    settings.n_ctx = settings.n_batch = 512;
    settings.n_threads = settings.n_threads_batch = 1;
    llama_context * context = llama_init_from_model(model, settings);
    if (!context) {
        return 4;
    }
    if (std::string(argv[2]) != "-") {
        llama_adapter_lora * adapter = llama_adapter_lora_init(model, argv[2]);
        float scale = 1.0f;
        if (!adapter || llama_set_adapters_lora(context, &adapter, 1, &scale)) {
            return 5;
        }
    }
    std::ifstream file(argv[3], std::ios::binary);
    std::stringstream content;
    content << file.rdbuf();
    const std::string text = content.str();
    const llama_vocab * vocabulary = llama_model_get_vocab(model);
    std::vector<llama_token> prompt(text.size() + 8);
    const int length = llama_tokenize(vocabulary, text.data(), (int) text.size(), prompt.data(), (int) prompt.size(), true, true);
    if (length < 0) {
        return 6;
    }
    prompt.resize(length);

    std::vector<llama_token> said, next = prompt;
    std::vector<float> first;
    const int size = llama_vocab_n_tokens(vocabulary);
    for (int step = 0; step < atoi(argv[4]); step++) {
        if (llama_decode(context, llama_batch_get_one(next.data(), (int) next.size()))) {
            return 7;
        }
        const float * logits = llama_get_logits_ith(context, -1);
        if (first.empty()) {
            first.assign(logits, logits + size);
        }
        said.push_back((llama_token) (std::max_element(logits, logits + size) - logits));
        if (llama_vocab_is_eog(vocabulary, said.back())) {
            break;
        }
        next = {said.back()};
    }
    FILE * out = fopen(argv[5], "w");
    fputs("{", out);
    print_list(out, "prompt", prompt, "%d");
    fputs(", ", out);
    print_list(out, "tokens", said, "%d");
    fputs(", ", out);
    print_list(out, "logits", first, "%.9g");
    fputs("}\n", out);
    fclose(out);
    return 0;
}
