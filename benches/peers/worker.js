// The trivial function. Plinth and workerd run this same text.
export default {
  fetch() {
    return new Response("ok");
  },
};
