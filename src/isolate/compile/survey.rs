//! What a program exports, imports and calls, as far as its text tells.

use oxc_ast::ast::{
    AssignmentExpression, CallExpression, Declaration, Decorator, ExportAllDeclaration, ExportDeclaration,
    ExportDefaultDeclaration, ExportDefaultDeclarationKind, ExportFromDeclaration, ExportNamedDeclaration, Expression,
    ImportDeclaration, ImportExpression, MemberExpression, Program,
};
use oxc_ast_visit::{Visit, walk};
use oxc_semantic::{ReferenceId, Scoping};
use oxc_span::Span;

use crate::isolate::protocol::HandlerStyle;

/// What `export default` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DefaultExport {
    Function,
    /// An object, a class instance, or a name that stands for anything.
    Other,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Names exported, `default` apart.
    exports: Vec<String>,
    /// Names assigned to `exports` or `module.exports`.
    assigned: Vec<String>,
    /// `module.exports = …`: names may be there that the text does not tell.
    replaces_exports: bool,
    pub(super) default: Option<DefaultExport>,
    pub(super) is_common_js: bool,
    pub(super) calls_serve: bool,
    /// Modules asked for by name, and where.
    pub(super) requests: Vec<(String, Span)>,
    /// Calls of something named `require`, and what the name refers to.
    requires: Vec<(String, Span, Option<ReferenceId>)>,
    pub(super) decorators: Vec<Span>,
}

impl Survey {
    pub(super) fn of(program: &Program<'_>) -> Self {
        let mut survey = Self::default();
        survey.visit_program(program);
        survey
    }

    /// Counts calls of `require` as requests for modules, where it is not a function of the source's own.
    pub(super) fn add_requires(&mut self, scoping: &Scoping) {
        let own = |id: ReferenceId| scoping.get_reference(id).symbol_id().is_some();
        let requires = std::mem::take(&mut self.requires).into_iter();
        let foreign = requires.filter(|(_, _, reference)| !reference.is_some_and(own));
        self.requests.extend(foreign.map(|(name, span, _)| (name, span)));
    }

    /// Whether this name is, or may be, exported in the way of that style.
    pub(super) fn has_export(&self, name: &str, style: HandlerStyle) -> bool {
        match style {
            HandlerStyle::CommonJs => self.replaces_exports || self.assigned.iter().any(|assigned| assigned == name),
            _ => self.exports.iter().any(|export| export == name),
        }
    }

    /// The exports, for a message.
    pub(super) fn list(&self) -> String {
        let names = if self.exports.is_empty() { &self.assigned } else { &self.exports };
        let default = self.default.map(|_| "default".to_owned());
        let names: Vec<_> = default.iter().chain(names).take(20).cloned().collect();
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    }

    fn declare(&mut self, declaration: &Declaration<'_>) {
        if let Declaration::VariableDeclaration(variables) = declaration {
            let names = variables.declarations.iter().flat_map(|variable| variable.id.get_binding_identifiers());
            self.exports.extend(names.map(|name| name.name.to_string()));
        } else if !declaration.is_typescript_syntax()
            && let Some(name) = declaration.id()
        {
            self.exports.push(name.name.to_string());
        }
    }

    fn export(&mut self, name: &str) {
        if name == "default" {
            self.default = Some(DefaultExport::Other);
        } else {
            self.exports.push(name.to_owned());
        }
    }
}

impl<'a> Visit<'a> for Survey {
    fn visit_import_declaration(&mut self, import: &ImportDeclaration<'a>) {
        self.requests.push((import.source.value.to_string(), import.source.span));
    }

    fn visit_export_all_declaration(&mut self, export: &ExportAllDeclaration<'a>) {
        self.requests.push((export.source.value.to_string(), export.source.span));
    }

    fn visit_import_expression(&mut self, import: &ImportExpression<'a>) {
        let name = match &import.source {
            Expression::StringLiteral(literal) => Some(literal.value.to_string()),
            Expression::TemplateLiteral(template) => template.single_quasi().map(|text| text.to_string()),
            _ => None,
        };
        if let Some(name) = name {
            self.requests.push((name, import.span));
        }
        walk::walk_import_expression(self, import);
    }

    fn visit_export_declaration(&mut self, export: &ExportDeclaration<'a>) {
        self.declare(&export.declaration);
        walk::walk_export_declaration(self, export);
    }

    fn visit_export_named_declaration(&mut self, export: &ExportNamedDeclaration<'a>) {
        if !export.export_kind.is_type() {
            for specifier in &export.specifiers {
                self.export(&specifier.exported.name());
            }
        }
    }

    fn visit_export_from_declaration(&mut self, export: &ExportFromDeclaration<'a>) {
        self.requests.push((export.source.value.to_string(), export.source.span));
    }

    fn visit_export_default_declaration(&mut self, export: &ExportDefaultDeclaration<'a>) {
        self.default = match &export.declaration {
            ExportDefaultDeclarationKind::TSInterfaceDeclaration(_) => self.default,
            ExportDefaultDeclarationKind::FunctionDeclaration(_)
            | ExportDefaultDeclarationKind::ArrowFunctionExpression(_)
            | ExportDefaultDeclarationKind::FunctionExpression(_) => Some(DefaultExport::Function),
            _ => Some(DefaultExport::Other),
        };
        walk::walk_export_default_declaration(self, export);
    }

    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        if let Some(member) = call.callee.as_member_expression() {
            self.calls_serve |= member.is_specific_member_access("Deno", "serve");
        }
        if let (Some(module), Expression::Identifier(require)) = (call.common_js_require(), &call.callee) {
            self.requires.push((module.value.to_string(), module.span, require.reference_id.get()));
        }
        // `Object.defineProperty(exports, "handler", …)` and the like, which compilers write.
        let first = call.arguments.first().and_then(|argument| argument.as_expression());
        if first.is_some_and(is_exports) {
            self.is_common_js = true;
            self.replaces_exports = true;
        }
        walk::walk_call_expression(self, call);
    }

    fn visit_assignment_expression(&mut self, assignment: &AssignmentExpression<'a>) {
        if let Some(member) = assignment.left.as_member_expression() {
            if is_exports(member.object()) {
                self.is_common_js = true;
                self.assigned.extend(member.static_property_name().map(String::from));
            } else if is_module_exports(member) {
                self.is_common_js = true;
                self.replaces_exports = true;
            }
        }
        walk::walk_assignment_expression(self, assignment);
    }

    fn visit_decorator(&mut self, decorator: &Decorator<'a>) {
        self.decorators.push(decorator.span);
        walk::walk_decorator(self, decorator);
    }
}

fn is_exports(expression: &Expression<'_>) -> bool {
    expression.is_specific_id("exports") || expression.as_member_expression().is_some_and(is_module_exports)
}

fn is_module_exports(member: &MemberExpression<'_>) -> bool {
    member.is_specific_member_access("module", "exports")
}
