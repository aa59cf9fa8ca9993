/* ragged-parse: the jailed parser of untrusted documents. */
int main(void)
{
    return 0;
}
