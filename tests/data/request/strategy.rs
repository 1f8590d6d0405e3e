//! Arbitrary queries.

use plinth::data::request::{
    Aggregate, Arrow, Comparison, Condition, Embeds, Field, Filter, Fts, Is, Join, JsonKey, JsonStep, Kind, Nested, Op,
    OrderTerm, Quantifier, Query, SelectItem, Simple,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select as one_of;

/// A query and what it is for.
pub fn query() -> impl Strategy<Value = (Query, Kind)> {
    let parts = (items(3), vec(scope(), 12), of(names()), of(names()), vec((name(), "[A-Z0-9{][ -~é]{0,8}"), 0..3));
    (parts, one_of(vec![Kind::Table, Kind::RpcGet, Kind::RpcPost])).prop_map(
        |((mut select, scopes, columns, key, arguments), kind)| {
            distinct(&mut select);
            let mut scopes = scopes.into_iter().cycle();
            let root = scopes.next().expect("twelve, over and over");
            let mut nested = Embeds::of(&select);
            fill(&mut nested, &mut scopes);
            let Nested { filters, order, limit, offset, .. } = root;
            let arguments = if kind == Kind::RpcGet { arguments } else { Vec::new() };
            (Query { select, filters, order, limit, offset, columns, on_conflict: key, nested, arguments }, kind)
        },
    )
}

fn fill(embeds: &mut Embeds, scopes: &mut impl Iterator<Item = Nested>) {
    for nested in &mut embeds.0 {
        let Nested { filters, order, limit, offset, .. } = scopes.next().expect("twelve, over and over");
        (nested.filters, nested.order, nested.limit, nested.offset) = (filters, order, limit, offset);
        fill(&mut nested.embeds, scopes);
    }
}

/// Gives each embed of a level a key of its own, by which it can be found.
fn distinct(select: &mut [SelectItem]) {
    for (place, item) in select.iter_mut().enumerate() {
        if let SelectItem::Embed { name, alias, select, .. } = item {
            alias.as_mut().unwrap_or(name).push_str(&place.to_string());
            distinct(select);
        }
    }
}

fn items(depth: u32) -> BoxedStrategy<Vec<SelectItem>> {
    let flat = prop_oneof![
        Just(SelectItem::All),
        (of(name()), of(cast())).prop_map(|(alias, cast)| SelectItem::Count { alias, cast }),
        (field(), of(cast()), of((aggregate(), of(cast()))), of(name())).prop_map(
            |(Field { name, path }, cast, aggregate, alias)| { SelectItem::Field { name, path, cast, aggregate, alias } }
        ),
    ];
    if depth == 0 {
        return vec(flat, 0..3).boxed();
    }
    let join = one_of(vec![Join::Default, Join::Inner, Join::Left]);
    let embed = (name(), of(name()), of(name()), join, items(depth - 1), any::<bool>());
    let embed = embed.prop_map(|(name, alias, hint, join, select, spread)| {
        let alias = alias.filter(|_| !spread);
        SelectItem::Embed { name, alias, hint, join, select, spread }
    });
    vec(prop_oneof![2 => flat, 1 => embed], 0..4).boxed()
}

fn scope() -> impl Strategy<Value = Nested> {
    let (filters, order) = (vec(prop_oneof![filter(), tree()], 0..3), vec(order_term(), 0..3));
    (filters, order, of(0_u64..1000), 0_u64..1000).prop_map(|(filters, order, limit, offset)| Nested {
        filters,
        order,
        limit,
        offset,
        ..Nested::default()
    })
}

/// A tree whose root is `and` or `or`.
fn tree() -> impl Strategy<Value = Condition> {
    let node = filter().prop_recursive(3, 12, 3, |node| joined(node).boxed());
    joined(node)
}

fn joined(node: impl Strategy<Value = Condition>) -> impl Strategy<Value = Condition> {
    (vec(node, 1..4), any::<bool>(), any::<bool>()).prop_map(|(nodes, is_or, negated)| {
        let tree = if is_or { Condition::Or(nodes) } else { Condition::And(nodes) };
        if negated { Condition::Not(Box::new(tree)) } else { tree }
    })
}

fn filter() -> impl Strategy<Value = Condition> {
    (field(), any::<bool>(), op()).prop_map(|(field, negated, op)| Condition::Filter(Filter { field, negated, op }))
}

fn op() -> impl Strategy<Value = Op> {
    use Comparison as C;
    use Simple as S;
    let comparison = one_of(vec![C::Eq, C::Gt, C::Gte, C::Lt, C::Lte, C::Like, C::ILike, C::Match, C::IMatch]);
    let quantifier = of(one_of(vec![Quantifier::Any, Quantifier::All]));
    let ranges = [S::StrictlyLeft, S::StrictlyRight, S::NotExtendsRight, S::NotExtendsLeft, S::Adjacent];
    let simple = one_of([vec![S::Neq, S::Contains, S::ContainedBy, S::Overlaps], ranges.to_vec()].concat());
    prop_oneof![
        (comparison, quantifier, value()).prop_map(|(operator, quantifier, value)| Op::Compare { operator, quantifier, value }),
        (simple, value()).prop_map(|(operator, value)| Op::Simple { operator, value }),
        value().prop_map(Op::IsDistinct),
        vec(value(), 0..4).prop_map(Op::In),
        one_of(vec![Is::Null, Is::NotNull, Is::True, Is::False, Is::Unknown]).prop_map(Op::Is),
        (one_of(vec![Fts::Query, Fts::Plain, Fts::Phrase, Fts::Web]), of(cast()), value())
            .prop_map(|(syntax, config, value)| Op::Fts { syntax, config, value }),
    ]
}

fn order_term() -> impl Strategy<Value = OrderTerm> {
    (of(name()), field(), any::<bool>(), of(any::<bool>())).prop_map(|(relation, field, descending, nulls_first)| OrderTerm {
        relation,
        field,
        descending,
        nulls_first,
    })
}

fn field() -> impl Strategy<Value = Field> {
    let key = prop_oneof![name().prop_map(JsonKey::Key), any::<i64>().prop_map(JsonKey::Index)];
    let step = (one_of(vec![Arrow::Json, Arrow::Text]), key).prop_map(|(arrow, key)| JsonStep { arrow, key });
    (name(), vec(step, 0..3)).prop_map(|(name, path)| Field { name, path })
}

fn aggregate() -> impl Strategy<Value = Aggregate> {
    one_of(vec![Aggregate::Sum, Aggregate::Avg, Aggregate::Count, Aggregate::Min, Aggregate::Max])
}

fn names() -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set(name(), 1..4).prop_map(|names| names.into_iter().collect())
}

fn name() -> impl Strategy<Value = String> {
    let words = one_of(vec!["count", "inner", "left", "not", "and", "or", "order", "limit", "select", "columns", "7", "*", ""]);
    prop_oneof![4 => "[a-z_]{1,6}", 1 => "[ -~é漢\t]{1,6}", 1 => words.prop_map(str::to_owned)]
}

fn cast() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_ ]{0,5}[a-z0-9]"
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![2 => "[a-z0-9]{0,4}", 1 => "\\PC{0,8}", 1 => "[{}(),.\"\\\\a* ]{0,8}", 1 => "[{][a-z,\"]{0,5}[}]"]
}
