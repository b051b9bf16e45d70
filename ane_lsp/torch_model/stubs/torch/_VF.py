"""The native recurrent layers."""
