"""Google Gemini: the `generateContent` API of `generativelanguage.googleapis.com`, in both directions."""
