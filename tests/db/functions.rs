//! What SQLite lacks and `plinth_*` gives it, held against PostgreSQL's own.

use std::fmt::Write;

use plinth::db::{Conn, Error};

use super::fixture::TestDb;

/// An expression on SQLite and the same on PostgreSQL.
const PAIRS: &[(&str, &str)] = &[
    // Text
    ("plinth_like('a%b', 'a\\%_')", r"'a%b' like 'a\%_'"),
    ("plinth_like('abc', '%c%')", "'abc' like '%c%'"),
    ("plinth_like('abc', 'b')", "'abc' like 'b'"),
    ("plinth_like('abc', 'ab\\')", r"'abc' like 'ab\'"),
    ("plinth_like(null, 'a')", "null like 'a'"),
    ("plinth_ilike('ABC', 'a_C')", "'ABC' ilike 'a_C'"),
    ("plinth_regex('foobar', '^fo{2}')", "'foobar' ~ '^fo{2}'"),
    ("plinth_regex('foo bar', '\\mbar\\M')", r"'foo bar' ~ '\mbar\M'"),
    ("plinth_regex('a]b', '[]x]b$')", "'a]b' ~ '[]x]b$'"),
    ("plinth_regex('a\nb', 'a.b')", "E'a\\nb' ~ 'a.b'"),
    ("plinth_regex('x&y', '[&&]y')", "'x&y' ~ '[&&]y'"),
    ("plinth_iregex('FOO', 'o+$')", "'FOO' ~* 'o+$'"),
    ("plinth_lower('ABC')", "lower('ABC')"),
    ("plinth_upper('abc')", "upper('abc')"),
    ("plinth_initcap('hello wORLD-foo 1st')", "initcap('hello wORLD-foo 1st')"),
    ("plinth_btrim('  a ')", "btrim('  a ')"),
    ("plinth_btrim('xyaxy', 'yx')", "btrim('xyaxy', 'yx')"),
    ("plinth_ltrim('  a ')", "ltrim('  a ')"),
    ("plinth_rtrim('axx', 'x')", "rtrim('axx', 'x')"),
    ("plinth_lpad('hi', 5)", "lpad('hi', 5)"),
    ("plinth_lpad('hi', 7, 'xy')", "lpad('hi', 7, 'xy')"),
    ("plinth_lpad('hello', 2)", "lpad('hello', 2)"),
    ("plinth_rpad('hi', 5, 'xy')", "rpad('hi', 5, 'xy')"),
    ("plinth_rpad('hi', 5, '')", "rpad('hi', 5, '')"),
    ("plinth_left('hello', 2)", "left('hello', 2)"),
    ("plinth_left('hello', -2)", "left('hello', -2)"),
    ("plinth_right('hello', 2)", "right('hello', 2)"),
    ("plinth_right('hello', -9)", "right('hello', -9)"),
    ("plinth_split_part('a,b,c', ',', 2)", "split_part('a,b,c', ',', 2)"),
    ("plinth_split_part('a,b,c', ',', -1)", "split_part('a,b,c', ',', -1)"),
    ("plinth_split_part('a,b,c', ',', 4)", "split_part('a,b,c', ',', 4)"),
    ("plinth_split_part('a,b', ',', 0)", "split_part('a,b', ',', 0)"),
    ("plinth_split_part('a,b', '', 1)", "split_part('a,b', '', 1)"),
    ("plinth_repeat('ab', 3)", "repeat('ab', 3)"),
    ("plinth_repeat('ab', -3)", "repeat('ab', -3)"),
    ("plinth_reverse('añb')", "reverse('añb')"),
    ("plinth_strpos('añb', 'b')", "strpos('añb', 'b')"),
    ("plinth_strpos('a', 'b')", "strpos('a', 'b')"),
    ("plinth_md5('a')", "md5('a')"),
    ("plinth_concat('a', null, 1)", "concat('a', null, 1)"),
    ("plinth_concat_ws(',', 'a', null, 1)", "concat_ws(',', 'a', null, 1)"),
    ("plinth_concat_ws(null, 'a')", "concat_ws(null, 'a')"),
    // Full text
    (
        "plinth_fts('The quick brown fox', 'quick & !dog', 'fts')",
        "to_tsvector('simple', 'The quick brown fox') @@ to_tsquery('simple', 'quick & !dog')",
    ),
    (
        "plinth_fts('The quick brown fox', 'qui:*', 'fts')",
        "to_tsvector('simple', 'The quick brown fox') @@ to_tsquery('simple', 'qui:*')",
    ),
    (
        "plinth_fts('The quick brown fox', 'quick <-> fox', 'fts')",
        "to_tsvector('simple', 'The quick brown fox') @@ to_tsquery('simple', 'quick <-> fox')",
    ),
    (
        "plinth_fts('The quick brown fox', 'quick <2> fox', 'fts')",
        "to_tsvector('simple', 'The quick brown fox') @@ to_tsquery('simple', 'quick <2> fox')",
    ),
    (
        "plinth_fts('The quick brown fox', '''brown fox'' | cat', 'fts')",
        "to_tsvector('simple', 'The quick brown fox') @@ to_tsquery('simple', '''brown fox'' | cat')",
    ),
    ("plinth_fts('a b c', '(a | x) <-> b', 'fts')", "to_tsvector('simple', 'a b c') @@ to_tsquery('simple', '(a | x) <-> b')"),
    ("plinth_fts('a b c', 'a &', 'fts')", "to_tsvector('simple', 'a b c') @@ to_tsquery('simple', 'a &')"),
    ("plinth_fts('a b c', 'a b', 'fts')", "to_tsvector('simple', 'a b c') @@ to_tsquery('simple', 'a b')"),
    ("plinth_fts('a b c', 'c, A!', 'plfts')", "to_tsvector('simple', 'a b c') @@ plainto_tsquery('simple', 'c, A!')"),
    ("plinth_fts('a b c', 'a c', 'phfts')", "to_tsvector('simple', 'a b c') @@ phraseto_tsquery('simple', 'a c')"),
    ("plinth_fts('a b c', 'b c', 'phfts')", "to_tsvector('simple', 'a b c') @@ phraseto_tsquery('simple', 'b c')"),
    (
        "plinth_fts('a b c', '\"a b\" -d', 'wfts')",
        "to_tsvector('simple', 'a b c') @@ websearch_to_tsquery('simple', '\"a b\" -d')",
    ),
    ("plinth_fts('a b c', 'x or c', 'wfts')", "to_tsvector('simple', 'a b c') @@ websearch_to_tsquery('simple', 'x or c')"),
    ("plinth_fts('a b c', '', 'wfts')", "to_tsvector('simple', 'a b c') @@ websearch_to_tsquery('simple', '')"),
    ("plinth_tsvector('The fat cat, the under-dog''s')", "to_tsvector('simple', 'The fat cat, the under dog''s')::text"),
    ("plinth_tsvector('')", "to_tsvector('simple', '')::text"),
    ("plinth_tsvector('b ab a aa B')", "to_tsvector('simple', 'b ab a aa B')::text"),
    (
        "plinth_fts_vector(plinth_tsvector('The quick brown fox'), 'quick <2> fox & !dog', 'fts')",
        "to_tsvector('simple', 'The quick brown fox') @@ to_tsquery('simple', 'quick <2> fox & !dog')",
    ),
    // Numbers
    ("plinth_num('001.50')", "'001.50'::numeric"),
    ("plinth_num(0.1)", "0.1::float8::numeric"),
    ("plinth_num_scale('1.005', 5, 2)", "1.005::numeric(5,2)"),
    ("plinth_num_scale('-1.005', 5, 2)", "(-1.005)::numeric(5,2)"),
    ("plinth_num_add('1.5', '2.25')", "1.5 + 2.25"),
    ("plinth_num_sub('1.5', 2)", "1.5 - 2::numeric"),
    ("plinth_num_mul('1.50', '2.0')", "1.50 * 2.0"),
    ("plinth_num_div('1', '3')", "1::numeric / 3::numeric"),
    ("plinth_num_div('10', '4')", "10::numeric / 4::numeric"),
    ("plinth_num_div('1', '300000000')", "1::numeric / 300000000::numeric"),
    ("plinth_num_div('123456789012', '7')", "123456789012::numeric / 7::numeric"),
    ("plinth_num_div('0.00001', '12345')", "0.00001 / 12345::numeric"),
    ("plinth_num_div('-2', '3')", "(-2)::numeric / 3::numeric"),
    ("plinth_num_div('0', '3')", "0::numeric / 3::numeric"),
    ("plinth_num_div('1', 0)", "1::numeric / 0::numeric"),
    ("plinth_num_mod('-7.5', '2')", "(-7.5) % 2::numeric"),
    ("plinth_num_mod('7', 0)", "7::numeric % 0::numeric"),
    ("plinth_num_round(plinth_num_pow('2', '10'), 5)", "round(2::numeric ^ 10::numeric, 5)"),
    ("plinth_num_pow('2', '-3')", "2::numeric ^ (-3)::numeric"),
    ("plinth_num_pow('1.5', '3')", "1.5 ^ 3::numeric"),
    ("plinth_num_round(plinth_num_pow('10', '20'), 5)", "round(10::numeric ^ 20::numeric, 5)"),
    ("plinth_num_pow('0', '-1')", "0::numeric ^ (-1)::numeric"),
    ("plinth_num_pow('-8', '0.5')", "(-8)::numeric ^ 0.5"),
    ("plinth_num_neg('1.50')", "-(1.50)"),
    ("plinth_num_abs('-1.50')", "abs(-1.50)"),
    ("plinth_num_sign('-1.50')", "sign(-1.50)"),
    ("plinth_num_ceil('-1.5')", "ceil(-1.5)"),
    ("plinth_num_floor('-1.5')", "floor(-1.5)"),
    ("plinth_num_round('2.5', 0)", "round(2.5, 0)"),
    ("plinth_num_round('-2.345', 2)", "round(-2.345, 2)"),
    ("plinth_num_round('1250', -2)", "round(1250::numeric, -2)"),
    ("plinth_num_round('1.5', 3)", "round(1.5, 3)"),
    ("plinth_num_trunc('-2.349', 2)", "trunc(-2.349, 2)"),
    ("plinth_num_trunc('1299', -2)", "trunc(1299::numeric, -2)"),
    ("plinth_num_cmp('1.0', '1')", "0"),
    ("'10' < '9' collate plinth_numeric", "10::numeric < 9::numeric"),
    ("'1.0' = '1' collate plinth_numeric", "1.0 = 1::numeric"),
    ("plinth_int_div(-7, 2)", "-7 / 2"),
    ("plinth_int_div(1, 0)", "1 / 0"),
    ("plinth_int_mod(-7, 2)", "-7 % 2"),
    ("plinth_int_mod(1, 0)", "1 % 0"),
    ("plinth_int_check(40000, 2)", "40000::smallint"),
    ("plinth_int_check(2147483647 + 1, 4)", "2147483647 + 1"),
    ("plinth_int_check(9223372036854775807 + 1, 8)", "9223372036854775807 + 1::bigint"),
    ("plinth_float_div(1.0, 4)", "1.0::float8 / 4"),
    ("plinth_float_div(1.0, 0)", "1.0::float8 / 0"),
    (
        "(select plinth_num_sum(column1) from (values ('1.5'), (null), ('2.25')))",
        "(select sum(x) from (values (1.5), (null), (2.25)) t(x))",
    ),
    ("(select plinth_num_avg(column1) from (values (1), (2), (null)))", "(select avg(x) from (values (1), (2), (null)) t(x))"),
    (
        "(select plinth_num_avg(column1) from (values ('1.5'), ('2.25'), ('1')))",
        "(select avg(x) from (values (1.5), (2.25), (1)) t(x))",
    ),
    ("(select plinth_num_sum(column1) from (values (1)) where false)", "(select sum(x) from (values (1)) t(x) where false)"),
    (
        "(select group_concat(s, ' ') from (select coalesce(plinth_num_sum(column1) over (rows 1 preceding), '-') as s \
         from (values ('1.5'), ('2.25'), (null), (null), ('NaN'), ('1'), ('2.0'))))",
        "(select string_agg(s, ' ') from (select coalesce((sum(x) over (rows 1 preceding))::text, '-') as s \
         from (values (1.5), (2.25), (null), (null), ('NaN'::numeric), (1), (2.0)) t(x)) w)",
    ),
    // JSON
    ("plinth_text(plinth_jsonb('{\"bb\":1,\"a\":[1.50,null]}'), 'jsonb')", "'{\"bb\":1,\"a\":[1.50,null]}'::jsonb"),
    ("plinth_json_get('{\"a\":{\"b\":1}}', 'a') = '{\"b\":1}'", "true"),
    ("plinth_json_get_text('{\"a\":{\"b\":1}}', 'a')", "'{\"a\":{\"b\":1}}'::jsonb ->> 'a'"),
    ("plinth_json_get_text('{\"a\":{\"b\" :1}}', 'a', 'json')", "'{\"a\":{\"b\" :1}}'::json ->> 'a'"),
    ("plinth_json_get_text('{\"a\":null}', 'a')", "'{\"a\":null}'::jsonb ->> 'a'"),
    ("plinth_json_get('{\"a\":null}', 'a')", "'{\"a\":null}'::jsonb -> 'a'"),
    ("plinth_json_get('[1,2]', -1)", "'[1,2]'::jsonb -> -1"),
    ("plinth_json_get('[1,2]', '0')", "'[1,2]'::jsonb -> '0'"),
    ("plinth_json_get('1', 'a')", "'1'::jsonb -> 'a'"),
    ("plinth_json_path('{\"a\":[{\"b\":5}]}', '[\"a\",\"0\",\"b\"]')", "'{\"a\":[{\"b\":5}]}'::jsonb #> '{a,0,b}'"),
    ("plinth_json_path_text('{\"a\":[\"x\"]}', '[\"a\",\"-1\"]')", "'{\"a\":[\"x\"]}'::jsonb #>> '{a,-1}'"),
    ("plinth_json_path_text('{\"a\":1}', '[\"a\",\"b\"]')", "'{\"a\":1}'::jsonb #>> '{a,b}'"),
    (
        "plinth_jsonb_contains('{\"a\":[1,{\"b\":2,\"c\":3}]}', '{\"a\":[{\"b\":2.0}]}')",
        "'{\"a\":[1,{\"b\":2,\"c\":3}]}'::jsonb @> '{\"a\":[{\"b\":2.0}]}'",
    ),
    ("plinth_jsonb_contains('[\"foo\",\"bar\"]', '\"bar\"')", "'[\"foo\",\"bar\"]'::jsonb @> '\"bar\"'"),
    ("plinth_jsonb_contains('\"bar\"', '[\"bar\"]')", "'\"bar\"'::jsonb @> '[\"bar\"]'"),
    ("plinth_jsonb_contains('[[1]]', '[1]')", "'[[1]]'::jsonb @> '[1]'"),
    ("plinth_jsonb_contains('{\"a\":1}', '{}')", "'{\"a\":1}'::jsonb @> '{}'"),
    ("plinth_jsonb_exists('[\"a\"]', 'a')", "'[\"a\"]'::jsonb ? 'a'"),
    ("plinth_jsonb_exists('{\"b\":\"a\"}', 'a')", "'{\"b\":\"a\"}'::jsonb ? 'a'"),
    ("plinth_text(plinth_jsonb_concat('{\"a\":1,\"b\":2}', '{\"b\":3}'), 'jsonb')", "'{\"a\":1,\"b\":2}'::jsonb || '{\"b\":3}'"),
    ("plinth_text(plinth_jsonb_concat('1', '[2]'), 'jsonb')", "'1'::jsonb || '[2]'"),
    ("plinth_text(plinth_jsonb_concat('{\"a\":1}', '[2]'), 'jsonb')", "'{\"a\":1}'::jsonb || '[2]'"),
    ("plinth_text(plinth_jsonb_delete('{\"a\":1,\"b\":2}', 'a'), 'jsonb')", "'{\"a\":1,\"b\":2}'::jsonb - 'a'"),
    ("plinth_text(plinth_jsonb_delete('[1,2,3]', -1), 'jsonb')", "'[1,2,3]'::jsonb - -1"),
    ("plinth_jsonb_delete('{}', 1)", "'{\"a\":1}'::jsonb - 1"),
    ("plinth_jsonb_delete('1', 'a')", "'1'::jsonb - 'a'"),
    ("plinth_jsonb_typeof('1.5')", "jsonb_typeof('1.5')"),
    ("plinth_jsonb_typeof('null')", "jsonb_typeof('null')"),
    ("plinth_jsonb_array_length('[1,[2,3]]')", "jsonb_array_length('[1,[2,3]]')"),
    ("plinth_jsonb_array_length('{}')", "jsonb_array_length('{}')"),
    ("plinth_jsonb_array_length('1')", "jsonb_array_length('1')"),
    (
        "plinth_text(plinth_jsonb_strip_nulls('{\"a\":null,\"b\":[null,{\"c\":null}]}'), 'jsonb')",
        "jsonb_strip_nulls('{\"a\":null,\"b\":[null,{\"c\":null}]}')",
    ),
    ("plinth_jsonb_cmp('[]', 'null')", "case when '[]'::jsonb < 'null' then -1 else 1 end"),
    ("plinth_jsonb_cmp('[null]', '{}')", "case when '[null]'::jsonb < '{}' then -1 else 1 end"),
    ("plinth_jsonb_cmp('{\"a\":2}', '{\"b\":1}')", "case when '{\"a\":2}'::jsonb < '{\"b\":1}' then -1 else 1 end"),
    ("'2' < '10' collate plinth_jsonb", "'2'::jsonb < '10'::jsonb"),
    ("'\"2\"' < '1' collate plinth_jsonb", "'\"2\"'::jsonb < '1'::jsonb"),
    // Arrays
    ("plinth_array_contains('[1,2,3]', '[3,1]')", "array[1,2,3] @> array[3,1]"),
    ("plinth_array_contains('[1,null]', '[null]')", "array[1,null] @> array[null]::int[]"),
    ("plinth_array_overlaps('[\"a\"]', '[\"b\",\"a\"]')", "array['a'] && array['b','a']"),
    ("plinth_array_get('[5,6]', 2)", "(array[5,6])[2]"),
    ("plinth_array_get('[5,6]', 0)", "(array[5,6])[0]"),
    ("plinth_array_get('[\"x\\ny\"]', 1)", "(array[E'x\\ny'])[1]"),
    ("plinth_array_length('[5,6]')", "cardinality(array[5,6])"),
    ("plinth_text(plinth_array_append('[5]', 6), 'integer[]')", "array_append(array[5], 6)"),
    ("plinth_text(plinth_array_append(null, 6), 'integer[]')", "array_append(null::int[], 6)"),
    ("plinth_text(plinth_array_prepend('a', '[\"b\"]'), 'text[]')", "array_prepend('a', array['b'])"),
    ("plinth_text(plinth_array_concat('[1]', '[2]'), 'integer[]')", "array[1] || array[2]"),
    ("plinth_text(plinth_array_concat(null, '[2]'), 'integer[]')", "null::int[] || array[2]"),
    ("plinth_text(plinth_array_remove('[1,2,1,null]', 1), 'integer[]')", "array_remove(array[1,2,1,null], 1)"),
    ("plinth_text(plinth_array_remove('[1,null]', null), 'integer[]')", "array_remove(array[1,null], null)"),
    ("plinth_array_position('[1,null]', null)", "array_position(array[1,null], null)"),
    ("plinth_array_position('[\"a\",\"b\"]', 'b')", "array_position(array['a','b'], 'b')"),
    // Types
    ("plinth_cast('x', 'integer')", "'x'::integer"),
    ("plinth_cast(' 7 ', 'integer')", "' 7 '::integer"),
    ("plinth_text(1, 'boolean') = 'true'", "true::text = 'true'"),
    ("plinth_text(plinth_cast('ab', 'character(4)'), 'character(4)')", "'ab'::character(4)::text"),
    ("plinth_text('2026-01-31T08:05:00.500000Z', 'timestamp with time zone')", "'2026-01-31T08:05:00.5Z'::timestamptz"),
    ("plinth_out('2026-01-31T08:05:00.500000Z', 'timestamp with time zone')", "to_json('2026-01-31T08:05:00.5Z'::timestamptz)"),
    ("plinth_out(null, 'text')", "'null'"),
    ("plinth_out('a\"b', 'text')", "to_json('a\"b'::text)"),
    ("plinth_out(1, 'boolean') = 'true'", "true"),
    ("plinth_out(1, 'double precision')", "to_json(1::float8)"),
    ("plinth_out('1.50', 'numeric(10,2)')", "to_json(1.50)"),
    ("plinth_out('[\"1.50\",null]', 'numeric[]')", "to_json(array[1.50, null])"),
    ("plinth_out(x'00ff', 'bytea')", "to_json('\\x00ff'::bytea)"),
    // Moments
    (
        "plinth_extract('second', '2026-01-31T08:05:06.700000Z', 'timestamp with time zone')",
        "extract(second from '2026-01-31T08:05:06.7Z'::timestamptz)",
    ),
    (
        "plinth_extract('epoch', '2026-01-31T08:05:06.700000Z', 'timestamp with time zone')",
        "extract(epoch from '2026-01-31T08:05:06.7Z'::timestamptz)",
    ),
    ("plinth_extract('epoch', '1969-12-31', 'date')", "extract(epoch from '1969-12-31'::date)"),
    (
        "plinth_extract('epoch', '1969-12-31T23:59:59.500000Z', 'timestamp with time zone')",
        "extract(epoch from '1969-12-31T23:59:59.5Z'::timestamptz)",
    ),
    (
        "plinth_extract('milliseconds', '08:05:06.700000', 'time without time zone')",
        "extract(milliseconds from '08:05:06.7'::time)",
    ),
    ("plinth_extract('week', '2027-01-01', 'date')", "extract(week from '2027-01-01'::date)"),
    ("plinth_extract('isoyear', '2027-01-01', 'date')", "extract(isoyear from '2027-01-01'::date)"),
    ("plinth_extract('dow', '2026-02-01', 'date')", "extract(dow from '2026-02-01'::date)"),
    ("plinth_extract('isodow', '2026-02-01', 'date')", "extract(isodow from '2026-02-01'::date)"),
    ("plinth_extract('doy', '2026-02-01', 'date')", "extract(doy from '2026-02-01'::date)"),
    ("plinth_extract('century', '2000-12-31', 'date')", "extract(century from '2000-12-31'::date)"),
    ("plinth_extract('decade', '2026-02-01', 'date')", "extract(decade from '2026-02-01'::date)"),
    (
        "plinth_extract('timezone', '2026-01-31T08:05:06.700000Z', 'timestamp with time zone')",
        "extract(timezone from '2026-01-31T08:05:06.7Z'::timestamptz)",
    ),
    ("plinth_extract('hour', '2026-02-01', 'date')", "extract(hour from '2026-02-01'::date)"),
    ("plinth_extract('nothing', '2026-02-01', 'date')", "extract('nothing' from '2026-02-01'::date)"),
    (
        "plinth_text(plinth_date_trunc('week', '2026-02-01T08:05:06.700000', 'timestamp without time zone'), 'timestamp without time zone')",
        "date_trunc('week', '2026-02-01T08:05:06.7'::timestamp)",
    ),
    (
        "plinth_text(plinth_date_trunc('quarter', '2026-06-01', 'date'), 'timestamp with time zone')",
        "date_trunc('quarter', '2026-06-01'::date)",
    ),
    (
        "plinth_text(plinth_date_trunc('century', '2026-06-01T00:00:00.000000Z', 'timestamp with time zone'), 'timestamp with time zone')",
        "date_trunc('century', '2026-06-01Z'::timestamptz)",
    ),
    (
        "plinth_text(plinth_date_trunc('millisecond', '2026-06-01T00:00:00.123456Z', 'timestamp with time zone'), 'timestamp with time zone')",
        "date_trunc('millisecond', '2026-06-01 00:00:00.123456Z'::timestamptz)",
    ),
    (
        "plinth_date_trunc('nothing', '2026-06-01T00:00:00.123456Z', 'timestamp with time zone')",
        "date_trunc('nothing', '2026-06-01Z'::timestamptz)",
    ),
    (
        "plinth_text(plinth_moment_add('2026-01-31', 'date', 1, 1, 500000), 'timestamp without time zone')",
        "'2026-01-31'::date + '1 mon 1 day 0.5 sec'::interval",
    ),
    (
        "plinth_text(plinth_moment_add('2024-02-29T00:00:00.000000Z', 'timestamp with time zone', -12, 0, 0), 'timestamp with time zone')",
        "'2024-02-29Z'::timestamptz - '1 year'::interval",
    ),
    (
        "plinth_text(plinth_moment_add('23:00:00.000000', 'time without time zone', 0, 0, 7200000000), 'time without time zone')",
        "'23:00'::time + '2 hours'::interval",
    ),
    (
        "plinth_moment_diff('2026-01-31T08:05:00.500000Z', '2026-01-31T08:00:00.000000Z')",
        "(extract(epoch from '2026-01-31T08:05:00.5Z'::timestamptz - '2026-01-31T08:00Z'::timestamptz) * 1000000)::bigint",
    ),
    ("plinth_date_diff('2026-03-01', '2026-02-01')", "'2026-03-01'::date - '2026-02-01'::date"),
];

/// Intervals as text, and what PostgreSQL says each is of.
const INTERVALS: &[&str] = &[
    "1 year 2 mons -3 days 04:05:06.7",
    "90 min ago",
    "1-2",
    "P1Y2M3DT4H5M6.5S",
    "1.5 months",
    "1.5 days",
    "2 weeks",
    "1.5 years",
    "10",
    "1d 2h",
    "-1 day +02:03",
    "@ 1 minute",
    "P1W",
    "1 decade",
    "250 ms",
    "-00:00:01",
    "0.1 month",
    "x",
    "1 parsec",
    "",
    "1 2 days",
    "1 day ago",
    "1 day 2 days",
    "1 10:00",
    "3 ago",
];

/// A value as text (a boolean as 1 or 0), or the SQLSTATE and the message.
async fn value(conn: &mut Conn, sql: String) -> Result<Option<String>, (String, String)> {
    let answer = conn.query_owned(sql.clone()).fetch_one::<(Option<String>,)>().await;
    match answer {
        Ok((value,)) => Ok(value.map(|value| match value.as_str() {
            "true" => "1".to_owned(),
            "false" => "0".to_owned(),
            _ => value,
        })),
        Err(Error::Other(detail)) => Err((detail.code, detail.told.message.into_exposed())),
        Err(other) => panic!("{sql}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_answer_as_postgres_does() {
    let (sqlite, postgres) = (TestDb::sqlite().await, TestDb::postgres().await);
    let (mut ours, mut theirs) = (sqlite.db.read().await.unwrap(), postgres.db.read().await.unwrap());
    let mut faults = String::new();
    for (here, there) in PAIRS {
        let here_is = value(&mut ours, format!("select cast(({here}) as text)")).await;
        let there_is = value(&mut theirs, format!("select cast(({there}) as text)")).await;
        if here_is != there_is {
            writeln!(faults, "{here}\n  PostgreSQL {there_is:?}\n  here       {here_is:?}").unwrap();
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn intervals_are_read_as_postgres_does() {
    let postgres = TestDb::postgres().await;
    let mut conn = postgres.db.read().await.unwrap();
    let mut faults = String::new();
    for text in INTERVALS {
        let sql = "select extract(year from i)::bigint * 12 + extract(month from i)::bigint, extract(day from i)::bigint, \
                   (extract(hour from i) * 3600000000 + extract(minute from i) * 60000000 + extract(microseconds from i))::bigint \
                   from (select cast(cast($1 as text) as interval) as i) as t";
        let theirs = conn.query(sql).bind(*text).fetch_one::<(i64, i64, i64)>().await;
        let theirs = theirs.map_err(|err| err.told().unwrap().code.clone());
        let ours = plinth::values::interval(text).map_err(|err| err.code.to_owned());
        let ours = ours.map(|it| (it.months.into(), it.days.into(), it.micros));
        if ours != theirs {
            writeln!(faults, "{text:?}\n  PostgreSQL {theirs:?}\n  here       {ours:?}").unwrap();
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_are_there_for_writes_checks_and_indexes() {
    let test = TestDb::sqlite().await;
    let table = "create table public_prices (id integer primary key, price text collate plinth_numeric \
                 check (plinth_num_cmp(price, '0') >= 0), doc text collate plinth_jsonb) strict";
    super::fixture::execute(&test.db, table).await.unwrap();
    super::fixture::execute(&test.db, "create index lower_doc on public_prices (plinth_lower(doc))").await.unwrap();
    for price in ["10.00", "9.5", "100"] {
        super::fixture::execute(&test.db, &format!("insert into public_prices (price) values ('{price}')")).await.unwrap();
    }
    let negative = super::fixture::execute(&test.db, "insert into public_prices (price) values ('-1')").await;
    assert!(matches!(negative, Err(Error::Check { .. })), "{negative:?}");
    let mut conn = test.db.read().await.unwrap();
    let sorted: Vec<(String,)> = conn.query("select price from public_prices order by price").fetch_all().await.unwrap();
    assert_eq!(sorted.into_iter().map(|(price,)| price).collect::<Vec<_>>(), ["9.5", "10.00", "100"]);
    let (one, other): (String, String) = conn.query("select plinth_uuid(), plinth_uuid()").fetch_one().await.unwrap();
    assert_ne!(one, other);
    let fault = conn.query("select plinth_cast('hunter2', 'integer')").fetch_one::<(i64,)>().await.unwrap_err();
    assert!(!format!("{fault} {fault:?}").contains("hunter2"), "{fault:?}");
    assert_eq!(fault.told().unwrap().message.expose(), "invalid input syntax for type integer: \"hunter2\"");
}
