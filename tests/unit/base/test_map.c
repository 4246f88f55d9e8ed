#include "base_test.h"
#include "map.h"

struct member {
    struct map_node node;
    int number;
    bool seen;
};

static bool is_number(const struct map_node *node, const void *key)
{
    return MAP_OWNER(node, struct member, node)->number == *(const int *)key;
}

static uint64_t hash_of(int number)
{
    return map_hash((struct str){(const char *)&number, sizeof number});
}

static struct member *find(const struct map *map, int number)
{
    struct map_node *node = map_find(map, hash_of(number), is_number, &number);
    return node ? MAP_OWNER(node, struct member, node) : NULL;
}

enum { MEMBERS = 5000 };
static struct member members[MEMBERS];

static void fill(struct map *map)
{
    for (int i = 0; i < MEMBERS; i++) {
        members[i] = (struct member){.number = i};
        map_add(map, &members[i].node, hash_of(i));
    }
}

static void finds_what_was_added(void **state)
{
    (void)state;
    struct map map = {0};
    assert_null(find(&map, 1));
    assert_null(map_next(&map, NULL));
    fill(&map);
    assert_int_equal(map.count, MEMBERS);
    for (int i = 0; i < MEMBERS; i++)
        assert_ptr_equal(find(&map, i), &members[i]);
    assert_null(find(&map, MEMBERS));
    for (int i = 0; i < MEMBERS; i += 2)
        map_drop(&map, &members[i].node);
    for (int i = 0; i < MEMBERS; i++)
        assert_ptr_equal(find(&map, i), i % 2 ? &members[i] : NULL);
    map_fini(&map);
    assert_null(find(&map, 1));
}

static void members_of_one_hash(void **state)
{
    (void)state;
    struct map map = {0};
    for (int i = 0; i < 10; i++) {
        members[i] = (struct member){.number = i};
        map_add(&map, &members[i].node, 42);
    }
    for (int i = 0; i < 10; i++)
        assert_ptr_equal(map_find(&map, 42, is_number, &i), &members[i].node);
    map_drop(&map, &members[5].node);
    int five = 5, six = 6;
    assert_null(map_find(&map, 42, is_number, &five));
    assert_ptr_equal(map_find(&map, 42, is_number, &six), &members[6].node);
    map_fini(&map);
}

/* Each member comes once, also when the members at hand are dropped. */
static void iterates(void **state)
{
    (void)state;
    for (int keep = 1; keep <= 100; keep *= 10) {
        struct map map = {0};
        size_t count = 0;
        fill(&map);
        struct map_node *node = map_next(&map, NULL), *next;
        for (; node; node = next) {
            struct member *member = MAP_OWNER(node, struct member, node);
            next = map_next(&map, node);
            assert_false(member->seen);
            member->seen = true;
            count++;
            if (keep == 1 || member->number % keep)
                map_drop(&map, node);
        }
        assert_int_equal(count, MEMBERS);
        assert_int_equal(map.count, keep == 1 ? 0 : MEMBERS / keep);
        map_fini(&map);
    }
}

static void shrinks(void **state)
{
    (void)state;
    struct map map = {0};
    fill(&map);
    size_t full = map.bucket_count;
    for (int i = 0; i < MEMBERS; i++)
        map_drop(&map, &members[i].node);
    for (int i = 0; i < 20; i++)
        map_add(&map, &members[i].node, hash_of(i));
    assert_true(map.bucket_count < full / 8);
    for (int i = 0; i < 20; i++)
        assert_ptr_equal(find(&map, i), &members[i]);
    map_fini(&map);
}

/* The published SipHash-1-3 of "" to "\0\1…" under the key 00…0f, and that the seed matters. */
static void hashes(void **state)
{
    (void)state;
    uint8_t key[16], other[16] = {1}, in[64];
    for (uint8_t i = 0; i < 64; i++)
        in[i] = i;
    memcpy(key, in, sizeof key);
    map_seed(key);
    assert_true(map_hash((struct str){(char *)in, 0}) == 0xabac0158050fc4dc);
    assert_true(map_hash((struct str){NULL, 0}) == 0xabac0158050fc4dc);
    uint64_t seen[64];
    for (size_t len = 0; len < 64; len++) {
        seen[len] = map_hash((struct str){(char *)in, len});
        for (size_t k = 0; k < len; k++)
            assert_true(seen[len] != seen[k]);
    }
    map_seed(other);
    for (size_t len = 0; len < 64; len++)
        assert_true(map_hash((struct str){(char *)in, len}) != seen[len]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_added),
        cmocka_unit_test(members_of_one_hash),
        cmocka_unit_test(iterates),
        cmocka_unit_test(shrinks),
        cmocka_unit_test(hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
