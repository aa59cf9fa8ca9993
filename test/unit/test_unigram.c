#include "charsmap_fixture.h"

#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/limits.h"
#include "nn/tokenizer.h"
#include "nn/unigram.h"

/* A model folder with a small tokenizer.json. Its map turns "X" into "xy". */

static const struct model_config config = {.n_vocabulary = 16};

static const char *folder(void)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/ragged-unigram-%ld", (long)getpid());
    return path;
}

static void write_tokenizer(void)
{
    struct error err;
    struct buf json = {0};
    char path[96];
    buf_append_text(
        &json, "{\"added_tokens\":[{\"id\":0,\"content\":\"<s>\"},{\"id\":2,\"content\":\"</s>\"},"
               "{\"id\":3,\"content\":\"<m>\",\"lstrip\":true},{\"id\":12,\"content\":\"<mm>\"}],"
               "\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"");
    append_charsmap(&json);
    buf_append_text(
        &json, "\"},\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"\xE2\x96\x81\"},"
               "\"post_processor\":{\"type\":\"RobertaProcessing\",\"cls\":[\"<s>\",0],\"sep\":[\"<"
               "/s>\",2]},"
               "\"model\":{\"type\":\"Unigram\",\"unk_id\":1,\"vocab\":[[\"<s>\",0],[\"<unk>\",0],"
               "[\"</s>\",0],[\"<m>\",0],[\"\xE2\x96\x81\",-2],[\"a\",-3],[\"b\",-3],[\"ab\",-3.5],"
               "[\"\xE2\x96\x81"
               "a\",-3.5],[\"x\",-4],[\"y\",-4],[\"xy\",-9]]}}");
    assert_ok(folder_make(folder(), &err));
    snprintf(path, sizeof path, "%s/tokenizer.json", folder());
    assert_ok(file_replace(path, json.data, json.len, 0600, &err));
    buf_clear(&json);
}

static void remove_folder(void)
{
    char path[96];
    snprintf(path, sizeof path, "%s/tokenizer.json", folder());
    unlink(path);
    rmdir(folder());
}

static void check_ids(const struct tokenizer *tokenizer, const char *text, const int32_t *ids,
                      size_t n_ids)
{
    int32_t got[64];
    size_t n = tokenizer_encode(tokenizer, text, strlen(text), got, 64);
    if (n != n_ids || memcmp(got, ids, n * sizeof *ids) != 0)
        fail_msg("\"%s\" has %zu ids, first %d, expected %zu", text, n, n ? got[0] : -1, n_ids);
    for (size_t n_max = 0; n_max <= n; n_max++) {
        memset(got, 0x55, sizeof got);
        assert_int_equal(tokenizer_encode(tokenizer, text, strlen(text), got, n_max), n_max);
        assert_memory_equal(got, ids, n_max * sizeof *ids);
        assert_int_equal(got[n_max], 0x55555555);
        assert_int_equal(tokenizer_encode(tokenizer, text, strlen(text), NULL, n_max), n_max);
    }
}

#define IDS(...) \
    (const int32_t[]){__VA_ARGS__}, sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t)

static void test_unigram__takes_the_best_pieces(void **state)
{
    (void)state;
    struct error err;
    struct tokenizer tokenizer = {0};
    write_tokenizer();
    assert_ok(tokenizer_open(folder(), &config, &tokenizer, &err));
    remove_folder();
    assert_string_equal(tokenizer.row->name, "unigram");
    assert_int_equal(tokenizer.n_ids, 13);
    check_ids(&tokenizer, "a", IDS(8));
    check_ids(&tokenizer, "ab", IDS(4, 7)); /* -5.5 is better than -6.5 */
    check_ids(&tokenizer, "ab a", IDS(4, 7, 8));
    check_ids(&tokenizer, "X", IDS(4, 9, 10));
    check_ids(&tokenizer, "aqqb", IDS(8, 1, 6)); /* unknowns beside each other are one */
    check_ids(&tokenizer, "a  <m>b<mm>", IDS(8, 3, 4, 6, 12));
    check_ids(&tokenizer, "a\xFF", IDS(8, 1));
    int32_t ids[8];
    assert_int_equal(tokenizer_encode_whole(&tokenizer, "ab ab", 5, ids, 4), 4);
    assert_memory_equal(ids, ((const int32_t[]){0, 4, 7, 2}), 4 * sizeof *ids);
    tokenizer_close(&tokenizer);
}

static void test_unigram__a_folder_without_tokenizer_names_the_files(void **state)
{
    (void)state;
    struct error err;
    struct tokenizer tokenizer = {0};
    assert_ok(folder_make(folder(), &err));
    assert_status(tokenizer_open(folder(), &config, &tokenizer, &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.message, "\"vocab.txt\" or \"tokenizer.json\""));
    remove_folder();
}

enum part { MODEL, NORMALIZER, PRE_TOKENIZER, ADDED, POST_PROCESSOR, PART_COUNT };

static const char *const part_names[PART_COUNT] = {"model", "normalizer", "pre_tokenizer",
                                                   "added_tokens", "post_processor"};
static const char *const good_parts[PART_COUNT] = {
    "{'type':'Unigram','unk_id':0,'vocab':[['<unk>',0],['',-1],['a',-2]]}", "null",
    "{'type':'Metaspace','replacement':'_'}", "[]",
    "{'type':'BertProcessing','cls':['<s>',0],'sep':['</s>',2]}"};

/* ' for quotes and _ for U+2581. */
static json_t *json_with(enum part part, const char *text)
{
    struct error err = {0};
    struct buf json = {0};
    for (int i = 0; i < PART_COUNT; i++) {
        const char *c = i == (int)part ? text : good_parts[i];
        buf_printf(&json, "%c\"%s\":", i ? ',' : '{', part_names[i]);
        for (; *c; c++)
            buf_append_text(&json, *c == '\''                          ? "\""
                                   : *c == '_' && strchr(",'}]", c[1]) ? "\xE2\x96\x81"
                                                                       : (char[]){*c, '\0'});
    }
    buf_append_char(&json, '}');
    json_t *value = NULL;
    assert_ok(json_parse(json.data, json.len, &value, &err));
    buf_clear(&json);
    return value;
}

static enum status read_with(enum part part, const char *text, struct unigram *out,
                             struct error *err)
{
    json_t *json = json_with(part, text);
    enum status status = unigram_read(json, out, err);
    json_decref(json);
    return status;
}

/* A part each that is not what we run, or is not what it should be. */
static const struct {
    enum part part;
    const char *text;
    enum status status;
    const char *said;
} refusals[] = {
    {MODEL, "{'type':'BPE'}", STATUS_INVALID, "\"BPE\""},
    {MODEL, "7", STATUS_INVALID, "\"model\""},
    {MODEL, "{'type':'Unigram','byte_fallback':true}", STATUS_INVALID, "byte_fallback"},
    {MODEL, "{'type':'Unigram','unk_id':0,'vocab':[]}", STATUS_FORMAT, "has 0 pieces"},
    {MODEL, "{'type':'Unigram','vocab':[['a',0]]}", STATUS_FORMAT, "model.unk_id"},
    {MODEL, "{'type':'Unigram','unk_id':-1,'vocab':[['a',0]]}", STATUS_FORMAT, "model.unk_id"},
    {MODEL, "{'type':'Unigram','unk_id':1,'vocab':[['a',0]]}", STATUS_FORMAT, "is 1 of 1"},
    {MODEL, "{'type':'Unigram','unk_id':99999999999,'vocab':[['a',0]]}", STATUS_FORMAT,
     "model.unk_id"},
    {MODEL, "{'type':'Unigram','unk_id':0,'vocab':[['a',0],[0,0]]}", STATUS_FORMAT, "vocab[1]"},
    {MODEL, "{'type':'Unigram','unk_id':0,'vocab':[['a','b']]}", STATUS_FORMAT, "vocab[0]"},
    {MODEL, "{'type':'Unigram','unk_id':0,'vocab':[['a',0,0]]}", STATUS_FORMAT, "vocab[0]"},
    {MODEL, "{'type':'Unigram','unk_id':0,'vocab':[['a',0],7]}", STATUS_FORMAT, "vocab[1]"},
    {MODEL, "{'type':'Unigram','unk_id':0,'vocab':[['a']]}", STATUS_FORMAT, "vocab[0]"},
    {NORMALIZER, "{'type':'NFKC'}", STATUS_INVALID, "\"NFKC\""},
    {NORMALIZER, "{'type':'Sequence'}", STATUS_FORMAT, "normalizer.normalizers"},
    {NORMALIZER, "{'type':'Sequence','normalizers':7}", STATUS_FORMAT, "normalizer.normalizers"},
    {NORMALIZER, "{'type':'Sequence','normalizers':[{'type':'Lowercase'}]}", STATUS_INVALID,
     "\"Lowercase\""},
    {NORMALIZER, "{'type':'Sequence','normalizers':[{'type':'Lowercase'},{'type':'NFKC'}]}",
     STATUS_INVALID, "\"Lowercase\""},
    {NORMALIZER, "{'type':'Precompiled'}", STATUS_FORMAT, "precompiled_charsmap"},
    {NORMALIZER, "{'type':'Precompiled','precompiled_charsmap':7}", STATUS_FORMAT,
     "precompiled_charsmap"},
    {NORMALIZER, "{'type':'Precompiled','precompiled_charsmap':'BAA'}", STATUS_FORMAT,
     "precompiled_charsmap"},
    {NORMALIZER,
     "{'type':'Sequence','normalizers':[{'type':'Precompiled','precompiled_charsmap':"
     "'BAAAAHV1dXUA'},{'type':'Precompiled','precompiled_charsmap':'BAAAAHV1dXUA'}]}",
     STATUS_INVALID, "two \"Precompiled\""},
    {NORMALIZER, "{'type':'Replace','pattern':{'Regex':'a+'},'content':' '}", STATUS_INVALID,
     "replaces \"a+\""},
    {NORMALIZER, "{'type':'Replace','pattern':{'Regex':' {2,}'},'content':'x'}", STATUS_INVALID,
     "by \"x\""},
    {NORMALIZER,
     "{'type':'Sequence','normalizers':[{'type':'Replace','pattern':{'Regex':' {2,}'},"
     "'content':' '},{'type':'Precompiled','precompiled_charsmap':null}]}",
     STATUS_INVALID, "after \"Replace\""},
    {PRE_TOKENIZER, "null", STATUS_INVALID, "pre_tokenizer"},
    {PRE_TOKENIZER, "{'type':'Metaspace'}", STATUS_INVALID, "U+2581"},
    {PRE_TOKENIZER, "{'type':'Metaspace','replacement':'_','prepend_scheme':'never'}",
     STATUS_INVALID, "prepend_scheme"},
    {PRE_TOKENIZER, "{'type':'Metaspace','replacement':'_','add_prefix_space':false}",
     STATUS_INVALID, "prepend_scheme"},
    {PRE_TOKENIZER, "{'type':'Sequence','pretokenizers':[]}", STATUS_INVALID, "pre_tokenizer"},
    {PRE_TOKENIZER, "{'type':'Sequence','pretokenizers':[{'type':'Digits'},{'type':'Metaspace'}]}",
     STATUS_INVALID, "\"Digits\""},
    {PRE_TOKENIZER, "{'type':'Sequence','pretokenizers':[{'type':'Digits'}]}", STATUS_INVALID,
     "\"Digits\""},
    {ADDED, "[{'id':1}]", STATUS_FORMAT, "added_tokens[0].content"},
    {ADDED, "[{'id':1,'content':''}]", STATUS_FORMAT, "added_tokens[0].content"},
    {ADDED, "[{'id':1,'content':7},{'id':2,'content':8}]", STATUS_FORMAT,
     "added_tokens[0].content"},
    {ADDED, "[{'id':1,'content':'a'},{'content':'b'}]", STATUS_FORMAT, "added_tokens[1].id"},
    {ADDED, "[{'id':1,'content':'a','single_word':true}]", STATUS_INVALID, "single_word"},
    {POST_PROCESSOR, "null", STATUS_INVALID, "post_processor"},
    {POST_PROCESSOR, "{'type':'BertProcessing','cls':['<s>'],'sep':['</s>',2]}", STATUS_FORMAT,
     "post_processor.cls[1]"},
    {POST_PROCESSOR, "{'type':'RobertaProcessing','cls':['<s>',0],'sep':[2,'</s>']}", STATUS_FORMAT,
     "post_processor.sep[1]"},
    {POST_PROCESSOR, "{'type':'TemplateProcessing','single':[1,2]}", STATUS_INVALID, "has 2 parts"},
    {POST_PROCESSOR, "{'type':'TemplateProcessing','single':[1,2,3]}", STATUS_INVALID,
     "post_processor.single[0]"},
    {POST_PROCESSOR,
     "{'type':'TemplateProcessing','single':[{'SpecialToken':{'id':'s'}},1,1],"
     "'special_tokens':{'s':{'ids':[0,1]}}}",
     STATUS_FORMAT, "special_tokens.s.ids"},
    {POST_PROCESSOR,
     "{'type':'TemplateProcessing','single':[{'SpecialToken':{'id':'s'}},1,1],"
     "'special_tokens':{'s':{'ids':[0]}}}",
     STATUS_INVALID, "post_processor.single[2]"},
};

/* It is named, and nothing is left. */
static void test_unigram__refuses_what_it_does_not_run(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct unigram unigram = {0};
        struct error err = {0};
        enum status status = read_with(refusals[i].part, refusals[i].text, &unigram, &err);
        if (status != refusals[i].status || !strstr(err.message, refusals[i].said))
            fail_msg("%s: %s (%s)", refusals[i].text, status_name(status), err.message);
        assert_null(unigram.scores);
    }
}

/* What a part may be, and the ids of a sentence then. */
static const struct {
    enum part part;
    const char *text, *sentence;
    int32_t ids[6];
    size_t n_ids, n_between;
} forms[] = {
    {NORMALIZER, "null", "a  a", {0, 2, 0, 0, 2}, 5, 1},
    {NORMALIZER, "{'type':'Precompiled','precompiled_charsmap':null}", "a", {0, 2}, 2, 1},
    {NORMALIZER,
     "{'type':'Replace','pattern':{'Regex':' {2,}'},'content':'_'}",
     "a  a",
     {0, 2, 0, 2},
     4,
     1},
    {PRE_TOKENIZER,
     "{'type':'Sequence','pretokenizers':[{'type':'WhitespaceSplit'},{'type':'Metaspace',"
     "'replacement':'_'}]}",
     "a  a",
     {0, 2, 0, 2},
     4,
     1},
    {PRE_TOKENIZER,
     "{'type':'Sequence','pretokenizers':[{'type':'Metaspace','replacement':'_','split':false,"
     "'prepend_scheme':'always','add_prefix_space':true}]}",
     "a  a",
     {0, 2, 0, 2},
     4,
     1},
    {PRE_TOKENIZER,
     "{'type':'Metaspace','replacement':'_','split':true}",
     "a  a",
     {0, 2, 0, 0, 2},
     5,
     1},
    {MODEL,
     "{'type':'Unigram','unk_id':0,'byte_fallback':false,'vocab':[['<unk>',0],['',-1],['a',-2]]"
     "}",
     "a",
     {0, 2},
     2,
     1},
    {ADDED, "null", "a", {0, 2}, 2, 1},
    {ADDED,
     "[{'id':9,'content':'<x>','lstrip':false,'rstrip':false,'single_word':false}]",
     "a <x> a",
     {0, 2, 0, 9, 0, 2},
     6,
     1},
    {ADDED,
     "[{'id':9,'content':'<x>','rstrip':true},{'id':8,'content':'<xy>'}]",
     "a<xy><x> a",
     {0, 2, 8, 9, 0, 2},
     6,
     1},
    {POST_PROCESSOR,
     "{'type':'TemplateProcessing','single':[{'SpecialToken':{'id':'s'}},1,{'SpecialToken':"
     "{'id':'s'}}],'pair':[1,2,3,4,5,6],'special_tokens':{'s':{'ids':[2]}}}",
     "a",
     {0, 2},
     2,
     2},
    {POST_PROCESSOR,
     "{'type':'RobertaProcessing','cls':['<s>',0],'sep':['</s>',2]}",
     "a",
     {0, 2},
     2,
     2},
};

static void test_unigram__reads_each_form_of_a_part(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct unigram unigram = {0};
        struct error err = {0};
        int32_t ids[6] = {-1, -1, -1, -1, -1, -1};
        assert_ok(read_with(forms[i].part, forms[i].text, &unigram, &err));
        assert_int_equal(unigram.n_between, forms[i].n_between);
        size_t n = unigram_encode(&unigram, forms[i].sentence, strlen(forms[i].sentence), ids, 6);
        if (n != forms[i].n_ids || memcmp(ids, forms[i].ids, n * sizeof *ids) != 0)
            fail_msg("%s: %zu ids, %d %d %d %d", forms[i].text, n, ids[0], ids[1], ids[2], ids[3]);
        unigram_clear(&unigram);
    }
}

/* Numbers that JSON can hold and a model can't, and lists longer than any. */
static void test_unigram__knows_its_limits(void **state)
{
    (void)state;
    struct unigram unigram = {0};
    struct error err = {0};
    struct buf text = {0};
    buf_append_text(&text, "{'type':'Unigram','unk_id':0,'vocab':[['");
    for (size_t i = 0; i <= TRIE_KEY_BYTES_MAX; i++)
        buf_append_char(&text, 'x');
    buf_append_text(&text, "',0]]}");
    assert_status(read_with(MODEL, buf_text(&text), &unigram, &err), STATUS_FORMAT);
    assert_non_null(strstr(err.message, "has 1025 bytes"));
    buf_reset(&text);
    buf_append_char(&text, '[');
    for (size_t i = 0; i <= UNIGRAM_ADDED_MAX; i++)
        buf_printf(&text, "%s{'id':1,'content':'t%zu'}", i ? "," : "", i);
    buf_append_char(&text, ']');
    assert_status(read_with(ADDED, buf_text(&text), &unigram, &err), STATUS_FORMAT);
    assert_non_null(strstr(err.message, "has 1025, more"));
    buf_clear(&text);
}

/* The ends count among the ids that a model must have, pieces or not. */
static void test_unigram__ends_are_ids_too(void **state)
{
    (void)state;
    static const char *const posts[] = {
        "{'type':'BertProcessing','cls':['<s>',20],'sep':['</s>',40]}",
        "{'type':'BertProcessing','cls':['<s>',40],'sep':['</s>',20]}"};
    for (size_t i = 0; i < 2; i++) {
        struct unigram unigram = {0};
        struct error err = {0};
        assert_ok(read_with(POST_PROCESSOR, posts[i], &unigram, &err));
        assert_int_equal(unigram.n_ids, 41);
        unigram_clear(&unigram);
    }
}

/* A tokenizer without the key at all is one without a normalizer. */
static void test_unigram__a_normalizer_may_be_absent(void **state)
{
    (void)state;
    static const char text[] =
        "{\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"\xE2\x96\x81\"},"
        "\"post_processor\":{\"type\":\"BertProcessing\",\"cls\":[\"<s>\",0],\"sep\":[\"</"
        "s>\",2]},\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"<unk>\",0]]}}";
    struct unigram unigram = {0};
    struct error err = {0};
    json_t *json = NULL;
    assert_ok(json_parse(text, sizeof text - 1, &json, &err));
    assert_ok(unigram_read(json, &unigram, &err));
    assert_int_equal(unigram.charsmap.n_units, 0);
    unigram_clear(&unigram);
    json_decref(json);
}

#ifdef RAGGED_FAULT
/* Names that fill more than one block of memory. */
static void test_unigram__long_names_need_memory(void **state)
{
    (void)state;
    struct buf text = {0};
    buf_append_text(&text, "[{'id':1,'content':'");
    for (size_t i = 0; i < 40000; i++)
        buf_append_char(&text, 'x');
    buf_append_text(&text, "'}]");
    json_t *json = json_with(ADDED, buf_text(&text));
    enum status status = STATUS_NOMEM;
    int n = 0;
    while (status == STATUS_NOMEM) {
        struct unigram unigram = {0};
        struct error err = {0};
        char plan[32];
        snprintf(plan, sizeof plan, "mem:%d", ++n);
        fault_plan(plan);
        status = unigram_read(json, &unigram, &err);
        fault_plan(NULL);
        assert_int_equal(status == STATUS_OK, unigram.scores != NULL);
        unigram_clear(&unigram);
    }
    assert_status(status, STATUS_OK);
    assert_true(n > 4);
    json_decref(json);
    buf_clear(&text);
}
#endif

static void refuse_file(const struct model_config *wanted, enum status expected, const char *said)
{
    struct tokenizer tokenizer = {0};
    struct error err = {0};
    assert_status(tokenizer_open(folder(), wanted, &tokenizer, &err), expected);
    assert_non_null(strstr(err.message, said));
    assert_null(tokenizer.state);
}

static void test_unigram__a_file_that_can_not_be_one_is_named(void **state)
{
    (void)state;
    struct error err;
    char path[96];
    struct model_config lowering = config;
    lowering.lowers_text = true;
    write_tokenizer();
    refuse_file(&lowering, STATUS_INVALID, "\"do_lower_case\" is true");
    snprintf(path, sizeof path, "%s/tokenizer.json", folder());
    assert_ok(file_replace(path, "{\"model\":", 9, 0600, &err));
    refuse_file(&config, STATUS_FORMAT, "tokenizer.json\": bad JSON");
    assert_int_equal(truncate(path, (off_t)RAGGED_LIMIT_VOCAB + 1), 0); /* a hole */
    refuse_file(&config, STATUS_LIMIT, "is larger than 67108864 bytes");
    remove_folder();
}

static void test_unigram__every_failed_step_is_a_status(void **state)
{
    (void)state;
#ifdef RAGGED_FAULT
    static const char *const sites[] = {"mem", "file"};
    struct error err;
    write_tokenizer();
    for (size_t i = 0; i < 2; i++) {
        enum status status = STATUS_NOMEM;
        for (int n = 1; status != STATUS_OK; n++) {
            char plan[32];
            snprintf(plan, sizeof plan, "%s:%d", sites[i], n);
            struct tokenizer tokenizer = {0};
            fault_plan(plan);
            status = tokenizer_open(folder(), &config, &tokenizer, &err);
            fault_plan(NULL);
            assert_true(status == STATUS_OK || tokenizer.state == NULL);
            tokenizer_close(&tokenizer);
        }
    }
    remove_folder();
#else
    skip_because("built without FAULT=1");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unigram__takes_the_best_pieces),
        cmocka_unit_test(test_unigram__a_folder_without_tokenizer_names_the_files),
        cmocka_unit_test(test_unigram__refuses_what_it_does_not_run),
        cmocka_unit_test(test_unigram__reads_each_form_of_a_part),
        cmocka_unit_test(test_unigram__knows_its_limits),
        cmocka_unit_test(test_unigram__ends_are_ids_too),
        cmocka_unit_test(test_unigram__a_normalizer_may_be_absent),
#ifdef RAGGED_FAULT
        cmocka_unit_test(test_unigram__long_names_need_memory),
#endif
        cmocka_unit_test(test_unigram__a_file_that_can_not_be_one_is_named),
        cmocka_unit_test(test_unigram__every_failed_step_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
